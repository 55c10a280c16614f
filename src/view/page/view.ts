// What every view is, and pieces that several share.

import type { RunState } from "../shapes.ts";
import { h } from "./dom.ts";

/** A view fills an element until it is left. */
export interface View {
  /** Words for the bar and the title. */
  readonly title: string;
  readonly element: HTMLElement;
  /** Answers to keys, by name; true when the key was meant for it. */
  onKey?(key: string): boolean;
  /** Where `/` goes. */
  readonly search?: HTMLElement;
  leave?(): void;
}

/** The damage of a run, named line by line. */
export function damageNotice(damage: readonly string[], more = 0): HTMLElement | null {
  if (damage.length === 0) return null;
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    `Damaged in ${damage.length + more} ${damage.length + more === 1 ? "place" : "places"}; everything else is shown.`,
    h("ul", {}, ...damage.slice(0, 20).map((line) => h("li", {}, line))),
    damage.length + more > 20 && `and ${damage.length + more - 20} more`,
  );
}

/** Something that could not be had. */
export function failure(error: unknown): HTMLElement {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    error instanceof Error ? error.message : String(error),
  );
}

export function stateBadge(state: RunState): HTMLElement {
  return h("span", { class: `state ${state}` }, state);
}

/** A key and value for every leaf of a JSON value. */
export function factsTable(value: unknown): HTMLElement {
  const rows: [string, string][] = [];
  const walk = (one: unknown, path: string): void => {
    if (Array.isArray(one) && one.length > 12) rows.push([path, `${one.length} entries`]);
    else if (Array.isArray(one) && one.every((item) => typeof item !== "object"))
      rows.push([path, one.join(", ")]);
    else if (typeof one === "object" && one !== null)
      for (const [key, item] of Object.entries(one)) walk(item, path === "" ? key : `${path}.${key}`);
    else if (one !== null) rows.push([path, String(one)]);
  };
  walk(value, "");
  const body = rows.map(([key, text]) => h("tr", {}, h("td", {}, key), h("td", {}, text)));
  return h("div", { class: "wide" }, h("table", { class: "kv" }, h("tbody", {}, ...body)));
}

/** A closed box with a title. */
export function box(title: string, ...inside: Node[]): HTMLElement {
  return h("details", {}, h("summary", {}, title), h("div", { class: "inside" }, ...inside));
}

/** `3 min ago`, `12 Mar 14:05`. */
export function agoWords(time: number): string {
  const seconds = (Date.now() - time) / 1000;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const date = new Date(time);
  const year = date.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" as const };
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", ...year });
}
