// Windows as the training loop has them: measuring on the base that is loaded, the interruption, and what is said.

import { existsSync } from "node:fs";
import { Interrupted, UserError } from "../../base/errors.ts";
import { formatNumber } from "../../base/format.ts";
import type { Progress as Bar } from "../../base/progress.ts";
import type { BaseModel } from "../../model/base-model.ts";
import { checkpointPath } from "../checkpoint.ts";
import { modelPath } from "../full/model-output.ts";
import type { WindowHook } from "../loop.ts";
import type { TrainOptions } from "../options.ts";
import type { Figures } from "./rules.ts";
import { isWindow, type WindowSettings, Windows } from "./windows.ts";

/** Milliseconds between two looks whether the run is to stop while a suite runs. */
const POLL_MS = 200;

/** Refuses windows that nobody would run.
 *  @throws UserError */
export function checkWindows(options: TrainOptions, windows: WindowSettings | undefined): void {
  if (options.windows !== undefined && windows === undefined)
    throw new UserError("--windows: expected a run of `sekft train` on its own, got one on another's base", {
      hint: "leave --windows out, or train without --resident",
    });
  if (options.gates !== undefined && options.windows === undefined)
    throw new UserError("--gates: expected --windows beside it, got none", {
      hint: "rules look at what windows measure: windows: {every: 250, suites: {smoke: {}, format: {}}}",
    });
}

/** What of a run its windows need. */
interface MeasuredRun {
  readonly out: string;
  readonly windows: WindowSettings | undefined;
  readonly progress: { readonly step: number };
  readonly plan: { readonly totalSteps: number };
  readonly model: { readonly base: BaseModel };
}

/** Opens the record of a run's windows; undefined when it has none. */
export function openWindows(
  run: MeasuredRun,
  interrupted: () => boolean,
  bar: Pick<Bar, "note">,
): (WindowHook & Disposable) | undefined {
  const { out, windows: settings, progress, plan, model } = run;
  if (settings === undefined) return undefined;
  const windows = new Windows(out, settings, progress.step);
  return {
    isDue: (step) => isWindow(settings, step, plan.totalSteps),
    async decide(step) {
      const controller = new AbortController();
      const poll = setInterval(() => interrupted() && controller.abort(), POLL_MS);
      try {
        const kept = modelPath(out, step);
        const subject = {
          base: model.base,
          checkpoint: checkpointPath(out, step),
          model: existsSync(kept) ? kept : undefined,
          step,
        };
        const { decision, reasons } = await windows.decide(subject, controller.signal);
        for (const [suite, figures] of windows.figures(step))
          bar.note(`window: step ${step}  ${suite}: ${figureWords(figures)}`);
        for (const reason of reasons) bar.note(`gate: ${reason}`);
        return decision;
      } catch (error) {
        if (controller.signal.aborted || error instanceof Interrupted) return "interrupted";
        throw error;
      } finally {
        clearInterval(poll);
      }
    },
    [Symbol.dispose]: () => windows[Symbol.dispose](),
  };
}

/** `pass_at_1 0.4  syntax_rate 0.95`; what had nothing to count is left out. */
function figureWords(figures: Figures): string {
  const known = Object.entries(figures).filter((entry): entry is [string, number] => entry[1] !== null);
  return known.map(([name, value]) => `${name} ${formatNumber(value, 3)}`).join("  ");
}
