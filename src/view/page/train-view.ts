// One training run, or several overlaid: curves that grow while it goes on.

import { formatCount, formatDuration, formatNumber } from "../../base/format.ts";
import type { LogEntry, LogPiece, RunDetail } from "../shapes.ts";
import { ask, Poll } from "./api.ts";
import { Chart, type Series } from "./chart.ts";
import { fill, h } from "./dom.ts";
import { agoWords, box, damageNotice, factsTable, failure, stateBadge, type View } from "./view.ts";

const colours = ["var(--a1)", "var(--a2)", "var(--a3)", "var(--a4)", "var(--a5)", "var(--a0)"];

interface Followed {
  readonly id: string;
  detail: RunDetail;
  entries: LogEntry[];
  next: LogPiece["next"];
  readonly damage: Set<string>;
}

/** Look of the charts; lasts as long as the page. */
const look: { log: boolean; smoothing: number | undefined } = { log: false, smoothing: undefined };

export function trainView(first: readonly RunDetail[]): View {
  const runs: Followed[] = first.map((detail) => ({
    id: detail.summary.id,
    detail,
    entries: [],
    next: { byte: 0, line: 0 },
    damage: new Set(detail.summary.damage),
  }));
  const single = runs.length === 1 ? runs[0] : undefined;
  const head = h("div", {});
  const facts = h("div", { class: "facts" });
  const notices = h("div", {});
  const charts = {
    loss: new Chart("Loss"),
    eval: new Chart("Eval loss"),
    grad_norm: new Chart("Gradient norm"),
    learning_rate: new Chart("Learning rate"),
    tokens_per_second: new Chart("Tokens per second"),
    memory: new Chart("Device memory, GiB"),
  };
  const log = h("input", {
    type: "checkbox",
    checked: look.log,
    change: () => {
      look.log = log.checked;
      draw();
    },
  });
  const smoothing = h("input", {
    type: "range",
    min: 0,
    max: 0.98,
    step: 0.02,
    value: look.smoothing ?? 0,
    "aria-label": "smoothing",
    input: () => {
      look.smoothing = Number(smoothing.value);
      draw();
    },
  });
  charts.loss.element.classList.add("first");
  const element = h(
    "div",
    {},
    head,
    notices,
    facts,
    h(
      "div",
      { class: "row" },
      h("label", { class: "row" }, smoothing, "smoothing"),
      h("label", { class: "row" }, log, "logarithmic loss"),
      ...(single?.detail.dataId
        ? [h("a", { href: `#/run/${single.detail.dataId}` }, "the data it is trained on")]
        : []),
    ),
    h("div", { class: "grid" }, ...Object.values(charts).map((chart) => chart.element)),
    ...runs.flatMap(({ detail }) => {
      const name = single ? "" : ` of ${detail.summary.name}`;
      return [
        detail.options === null ? null : box(`Options${name}`, factsTable(detail.options)),
        detail.manifest === null ? null : box(`Manifest${name}`, factsTable(withoutOptions(detail.manifest))),
      ].filter((one) => one !== null);
    }),
  );

  const series = (name: string, dashed = false, factor = 1): Series[] =>
    runs.flatMap((run, i) => {
      const points = run.entries.flatMap((entry): [number, number][] => {
        const y = entry[name];
        return typeof y === "number" && typeof entry.step === "number" ? [[entry.step, y * factor]] : [];
      });
      const own = single ? ({ loss: "train", eval_loss: "eval" }[name] ?? name) : run.detail.summary.name;
      const colour = single && dashed ? colours[1]! : colours[i % colours.length]!;
      return points.length === 0 ? [] : [{ name: own, colour, dashed, points }];
    });

  const draw = () => {
    fill(head, ...heading());
    fill(notices, ...runs.map((run) => damageNotice([...run.damage])));
    fill(facts, ...(single ? figures(single) : []));
    const keep = look.smoothing ?? usualSmoothing(Math.max(...runs.map(({ entries }) => entries.length)));
    smoothing.value = String(keep);
    const plain = { log: false, smoothing: keep };
    const steep = { log: look.log, smoothing: keep };
    // One run shows both losses in one chart; of several, each its own.
    charts.loss.show([...series("loss"), ...(single ? series("eval_loss", true) : [])], steep);
    charts.eval.show(single ? [] : series("eval_loss"), { log: look.log, smoothing: 0 });
    charts.grad_norm.show(series("grad_norm"), plain);
    charts.learning_rate.show(series("learning_rate"), { log: false, smoothing: 0 });
    charts.tokens_per_second.show(series("tokens_per_second"), plain);
    charts.memory.show(series("device_memory_bytes", false, 2 ** -30), { log: false, smoothing: 0 });
  };

  const heading = (): Node[] => {
    if (!single) {
      const links = runs.map((run) =>
        h(
          "li",
          {},
          h("a", { href: `#/run/${run.id}` }, run.detail.summary.name),
          " ",
          stateBadge(run.detail.summary.state),
        ),
      );
      return [h("h1", {}, `${runs.length} runs`), h("ul", { class: "legend" }, ...links)];
    }
    const { summary, totalSteps } = single.detail;
    const step = lastOf(single.entries, "step");
    const parts: Node[] = [
      h("div", { class: "row" }, h("h1", {}, summary.name), stateBadge(summary.state)),
      h("div", { class: "dim mono" }, `${summary.path} · ${agoWords(summary.changed)}`),
    ];
    if (totalSteps !== null && step !== undefined && step < totalSteps)
      parts.push(h("progress", { max: totalSteps, value: step, "aria-label": "steps" }));
    return parts;
  };

  const poll = new Poll(async () => {
    try {
      for (const run of runs) await follow(run);
      draw();
    } catch (error) {
      fill(notices, failure(error));
      return 3000;
    }
    return runs.some(({ detail }) => detail.summary.state === "live") ? 1000 : 5000;
  });

  return {
    title: single?.detail.summary.name ?? `${runs.length} runs`,
    element,
    leave() {
      poll.end();
      for (const chart of Object.values(charts)) chart.end();
    },
    onKey(key) {
      if (key !== "l") return false;
      log.click();
      return true;
    },
  };
}

/** Reads what the log has gained. */
async function follow(run: Followed): Promise<void> {
  for (;;) {
    const piece = await ask<LogPiece>(`runs/${run.id}/log`, run.next);
    const before = lastOf(run.entries, "step") ?? -1;
    const step = piece.entries[0]?.step;
    // Cut back and grown again between two readings.
    const rewound = !piece.restarted && typeof step === "number" && step < before;
    if (piece.restarted) run.entries = [];
    run.entries = rewound ? [] : run.entries.concat(piece.entries);
    run.next = rewound ? { byte: 0, line: 0 } : piece.next;
    for (const line of piece.damage) run.damage.add(line);
    if (!rewound && (piece.entries.length === 0 || piece.next.byte === 0 || piece.tornBytes < 1 << 20)) break;
  }
  run.detail = await ask<RunDetail>(`runs/${run.id}`);
}

function figures({ entries, detail }: Followed): HTMLElement[] {
  const fact = (name: string, value: string | undefined) =>
    value === undefined ? null : h("div", { class: "fact" }, h("span", {}, name), h("b", {}, value));
  const number = (name: string, digits = 4) => {
    const value = lastOf(entries, name);
    return value === undefined ? undefined : formatNumber(value, digits);
  };
  const step = lastOf(entries, "step");
  const seconds = lastOf(entries, "train_runtime") ?? lastOf(entries, "seconds");
  const { totalSteps, summary } = detail;
  const left =
    summary.state === "live" && step && seconds && totalSteps !== null
      ? formatDuration((seconds / step) * (totalSteps - step))
      : undefined;
  const speed = lastOf(entries, "tokens_per_second");
  const tokens = lastOf(entries, "tokens");
  return [
    fact(
      "step",
      step === undefined
        ? undefined
        : totalSteps === null
          ? formatCount(step)
          : `${formatCount(step)} / ${formatCount(totalSteps)}`,
    ),
    fact("loss", number("loss")),
    fact("eval loss", number("eval_loss")),
    fact("gradient norm", number("grad_norm", 3)),
    fact("learning rate", number("learning_rate", 3)),
    fact("tokens / s", speed === undefined ? undefined : formatCount(speed)),
    fact("tokens", tokens === undefined ? undefined : formatCount(tokens)),
    fact("time", seconds === undefined ? undefined : formatDuration(seconds)),
    fact("left, about", left),
  ].filter((one) => one !== null);
}

function lastOf(entries: readonly LogEntry[], name: string): number | undefined {
  const value = entries.findLast((entry) => typeof entry[name] === "number")?.[name];
  return typeof value === "number" ? value : undefined;
}

/** Until somebody chooses: long runs are noisy. */
function usualSmoothing(entries: number): number {
  return entries > 400 ? 0.9 : entries > 80 ? 0.6 : 0;
}

/** The manifest repeats the options, which have a box of their own. */
function withoutOptions(manifest: unknown): unknown {
  const { options: _, ...rest } = manifest as Record<string, unknown>;
  return rest;
}
