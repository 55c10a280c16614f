// The list of runs: found, filtered, chosen to be overlaid, opened.

import type { RunKind, RunList, RunSummary } from "../shapes.ts";
import { ask, Poll } from "./api.ts";
import { extent } from "./chart-scale.ts";
import { fill, h, svg } from "./dom.ts";
import { agoWords, failure, stateBadge, type View } from "./view.ts";

const kinds: readonly (readonly [RunKind | "", string])[] = [
  ["", "all"],
  ["train", "training"],
  ["eval", "evals"],
  ["rollout", "rollouts"],
  ["data", "data"],
];

/** Filter and choice last as long as the page. */
const kept = { kind: "" as RunKind | "", text: "", order: "newest", chosen: new Set<string>() };

export function runsView(): View {
  const search = h("input", {
    type: "search",
    placeholder: "filter by name, path, state",
    "aria-label": "filter runs",
    value: kept.text,
    input: () => {
      kept.text = search.value;
      draw();
    },
  });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": "kind" });
  const order = h(
    "select",
    {
      "aria-label": "order",
      change: () => {
        kept.order = order.value;
        draw();
      },
    },
    ...["newest", "name", "kind", "state"].map((name) =>
      h("option", { value: name, selected: name === kept.order }, name),
    ),
  );
  const list = h("ul", { class: "runs", "aria-label": "runs" });
  const said = h("p", { class: "dim", "aria-live": "polite" });
  const tray = h("div", { class: "tray", hidden: true });
  const element = h(
    "div",
    {},
    h("div", { class: "row" }, h("div", { class: "grow" }, search), order),
    tabs,
    said,
    list,
    tray,
  );
  let runs: RunList | undefined;
  let at = 0;

  const shown = (): RunSummary[] => {
    const words = kept.text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (run: RunSummary) => {
      const text = `${run.path} ${run.kind} ${run.state}`.toLowerCase();
      return (kept.kind === "" || run.kind === kept.kind) && words.every((word) => text.includes(word));
    };
    const some = (runs?.runs ?? []).filter(fits);
    const key = kept.order as "name" | "kind" | "state" | "newest";
    // The server sends the newest first.
    return key === "newest" ? some : some.sort((a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0));
  };

  const draw = () => {
    const all = runs?.runs ?? [];
    fill(
      tabs,
      ...kinds
        .map(([kind, word]) => ({
          kind,
          word,
          n: all.filter((run) => kind === "" || run.kind === kind).length,
        }))
        .filter(({ kind, n }) => kind === "" || n > 0)
        .map(({ kind, word, n }) =>
          h(
            "button",
            {
              "aria-pressed": String(kept.kind === kind),
              click: () => {
                kept.kind = kind;
                at = 0;
                draw();
              },
            },
            `${word} ${n}`,
          ),
        ),
    );
    const some = shown();
    at = Math.max(0, Math.min(at, some.length - 1));
    list.hidden = some.length === 0;
    // Drawn anew, the list keeps the focus that it had.
    const focused = list.contains(document.activeElement);
    fill(list, ...some.map((run, i) => row(run, i === at)));
    if (focused) focusRow();
    const folders = runs?.roots.join(", ") ?? "";
    if (runs && all.length === 0)
      fill(
        said,
        h(
          "span",
          { class: "empty", style: "display:block" },
          `Nothing to show in ${folders} yet.`,
          h("br"),
          h("code", {}, "sekft view DIR ..."),
        ),
      );
    else fill(said, some.length < all.length ? `${some.length} of ${all.length}` : "");
    drawTray();
  };

  const drawTray = () => {
    const chosen = [...kept.chosen].filter((id) => runs?.runs.some((run) => run.id === id));
    tray.hidden = chosen.length === 0;
    fill(
      tray,
      `${chosen.length} chosen`,
      h("button", { class: "go", click: overlay }, chosen.length > 1 ? "overlay" : "open"),
      h(
        "button",
        {
          "aria-label": "choose none",
          click: () => {
            kept.chosen.clear();
            draw();
          },
        },
        "clear",
      ),
    );
  };

  const overlay = () => {
    if (kept.chosen.size > 0) location.hash = `#/run/${[...kept.chosen].join(",")}`;
  };

  const choose = (run: RunSummary | undefined) => {
    if (run?.kind !== "train") return;
    if (!kept.chosen.delete(run.id)) kept.chosen.add(run.id);
    draw();
  };

  const row = (run: RunSummary, here: boolean): HTMLElement => {
    const slash = run.name.lastIndexOf("/");
    const time = run.started === null ? run.changed : Date.parse(run.started) || run.changed;
    return h(
      "li",
      { class: here ? "run at" : "run" },
      run.kind === "train"
        ? h(
            "label",
            { title: "choose to overlay" },
            h("input", {
              type: "checkbox",
              checked: kept.chosen.has(run.id),
              "aria-label": `overlay ${run.name}`,
              change: () => choose(run),
            }),
          )
        : h("span", {}),
      h(
        "div",
        { class: "name" },
        h("a", { href: `#/run/${run.id}`, "aria-current": here ? "true" : null }, run.name.slice(slash + 1)),
        h("small", {}, slash < 0 ? run.path : run.name.slice(0, slash)),
      ),
      h("div", { class: "where" }, stateBadge(run.state), h("div", { class: "kind" }, run.kind)),
      h(
        "div",
        { class: "figures" },
        ...run.arms.map(({ name, x, n }) => h("span", {}, h("span", {}, `${name} `), `${x}/${n}`)),
        ...run.figures.map(([name, value]) => h("span", {}, h("span", {}, `${name} `), value)),
      ),
      h("div", { class: "look" }, look(run)),
      h("div", { class: "when", title: new Date(time).toLocaleString("en-GB") }, agoWords(time)),
    );
  };

  const focusRow = () => {
    list.children[at]?.querySelector<HTMLElement>(".name a")?.focus({ preventScroll: true });
  };

  const move = (by: number) => {
    at = Math.max(0, Math.min(shown().length - 1, at + by));
    draw();
    list.children[at]?.scrollIntoView({ block: "nearest" });
    focusRow();
  };

  let last = "";
  const poll = new Poll(async () => {
    try {
      const found = await ask<RunList>("runs");
      const text = JSON.stringify(found);
      runs = found;
      // What has the focus is not taken away while nothing changes.
      if (text !== last) draw();
      last = text;
      return found.runs.some(({ state }) => state === "live") ? 2000 : 4000;
    } catch (error) {
      fill(said, failure(error));
      return 4000;
    }
  });

  return {
    title: "",
    element,
    search,
    leave: () => poll.end(),
    onKey(key) {
      const run = shown()[at];
      if (key === "j" || key === "ArrowDown") move(1);
      else if (key === "k" || key === "ArrowUp") move(-1);
      else if (key === "Enter" && run) location.hash = `#/run/${run.id}`;
      else if (key === "x") choose(run);
      else if (key === "o") overlay();
      else return false;
      return true;
    },
  };
}

/** The loss as a line, or the clean share of each arm as a bar. */
function look({ spark, arms, name }: RunSummary): Node {
  if (spark.length > 1) {
    const [low, high] = extent(spark);
    const points = spark.map(
      (y, i) =>
        `${((100 * i) / (spark.length - 1)).toFixed(1)} ${(2 + 26 * (1 - (y - low) / (high - low || 1))).toFixed(1)}`,
    );
    return svg(
      "svg",
      {
        class: "spark",
        viewBox: "0 0 100 30",
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `loss of ${name}`,
      },
      svg("path", { d: `M${points.join("L")}` }),
    );
  }
  return h(
    "div",
    { class: "mini", "aria-hidden": "true" },
    ...arms.map(({ x, n }) => {
      const bar = h("i", {});
      bar.style.width = `${n === 0 ? 0 : (100 * x) / n}%`;
      return h("div", {}, bar);
    }),
  );
}
