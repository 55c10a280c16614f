// The logs of a run while it goes on: log.jsonl and TensorBoard, both cut back to the checkpoint on resume.

import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { EventFileWriter, eventFileName } from "../formats/tensorboard.ts";
import { AppendLog } from "./append-log.ts";
import type { LogPosition } from "./checkpoint.ts";
import type { Progress } from "./progress.ts";
import type { LogEntry } from "./trainer-state.ts";

const logName = "log.jsonl";

/** The open logs of one run. */
export class RunLog {
  private readonly lines: AppendLog;
  private readonly events: EventFileWriter;

  /** Opens the logs. `resumed` says how much of them belongs to the run so far; without it they start empty.
   *  @throws UserError when the folder cannot be written. */
  constructor(folder: string, resumed?: { logs: readonly LogPosition[]; progress: Progress }) {
    const kept = resumed?.logs.find(({ path }) => path === logName)?.bytes ?? 0;
    this.lines = new AppendLog(join(folder, logName), kept);
    this.events = new EventFileWriter(eventFile(folder, resumed !== undefined), {
      keepUpToStep: resumed?.progress.step ?? -1,
    });
  }

  /** Adds an entry of the log history; `facts` go to log.jsonl only. */
  write(entry: LogEntry, facts: Readonly<Record<string, number | boolean>> = {}): void {
    const { step = 0, epoch, ...values } = entry;
    this.lines.append(`${JSON.stringify({ step, epoch, ...values, ...facts })}\n`);
    for (const [name, value] of Object.entries(values)) {
      // transformers' names: eval_loss -> eval/loss, loss -> train/loss.
      const tag = name.startsWith("eval_") ? `eval/${name.slice("eval_".length)}` : `train/${name}`;
      this.events.scalar(tag, value, step);
    }
    if (epoch !== undefined) this.events.scalar("train/epoch", epoch, step);
  }

  /** Where the logs are now, on the disk for good. */
  positions(): LogPosition[] {
    this.lines.sync();
    this.events.flush();
    return [{ path: logName, bytes: this.lines.bytes }];
  }

  close(): void {
    this.lines.close();
    this.events.close();
  }
}

/** The run's event file: the newest one when it goes on, a new one otherwise. */
function eventFile(folder: string, goOn: boolean): string {
  const runs = join(folder, "runs");
  if (goOn && statSync(runs, { throwIfNoEntry: false })) {
    const last = readdirSync(runs, { recursive: true, encoding: "utf8" })
      .filter((name) => name.includes("events.out.tfevents."))
      .sort()
      .at(-1);
    if (last) return join(runs, last);
  }
  const now = new Date();
  const stamp = `${now.toISOString().slice(0, 19).replace(/[T:]/g, "-")}_${hostname()}`;
  return join(runs, stamp, eventFileName(now.getTime() / 1000));
}
