// Which tokens of a session are trained, in the tokens of a base.

import type { BaseChoice, EpisodePage, Fragment } from "../shapes.ts";
import { ask } from "./api.ts";
import { fill, fragment, h } from "./dom.ts";
import { failure } from "./view.ts";

/** The part of a run's page with masks. */
export interface MaskPart {
  readonly element: HTMLElement;
  /** Which row comes next. */
  show(row: number): void;
  open(): void;
  onKey(key: string): boolean;
}

export function maskPart(id: string): MaskPart {
  let row = 0;
  let rows = Number.POSITIVE_INFINITY;
  let bases: readonly BaseChoice[] | undefined;
  const body = h("div", { class: "mask", "aria-live": "polite" });
  const number = h("input", {
    type: "number",
    min: 0,
    value: 0,
    style: "width:7rem",
    "aria-label": "row, counted from 0",
    change: () => {
      go(Number(number.value));
    },
  });
  const base = h("select", {
    "aria-label": "base",
    change: () => {
      void draw();
    },
  });
  const said = h(
    "p",
    { class: "dim mono", style: "min-height:1.6em;margin:.6rem 0" },
    "green is trained; point at a token",
  );
  const element = h(
    "div",
    {},
    h(
      "div",
      { class: "row" },
      h("button", { "aria-label": "row before", click: () => go(row - 1) }, "←"),
      h("label", { class: "row" }, "row", number),
      h("button", { "aria-label": "next row", click: () => go(row + 1) }, "→"),
      base,
    ),
    said,
    body,
  );
  body.addEventListener("mouseover", (event) => {
    const token = (event.target as Element).closest<HTMLElement>("[data-i]");
    if (!token) return;
    const { i, o, k } = token.dataset;
    said.textContent = `token ${k}  id ${i}  offset ${o}  label ${token.tagName === "B" ? i : "-100"}`;
  });

  const go = (to: number) => {
    row = Math.max(0, Math.min(rows - 1, Math.floor(to) || 0));
    number.value = String(row);
    void draw();
  };

  const draw = async () => {
    const asked = row;
    try {
      if (!bases) {
        bases = await ask<BaseChoice[]>(`runs/${id}/bases`);
        fill(base, ...bases.map((one) => h("option", { value: one.id }, one.name)));
        rows = (await ask<EpisodePage>(`runs/${id}/episodes`, { count: 1 })).index.rows;
      }
      base.hidden = bases.length === 0;
      if (bases.length === 0) {
        const words = "A mask needs a tokenizer. Start with the base whose tokens it should show: ";
        fill(body, h("p", { class: "notice" }, words, h("code", {}, "sekft view … --base DIR")));
        return;
      }
      const { html } = await ask<Fragment>(`runs/${id}/mask`, { row, base: base.value });
      if (asked === row) fill(body, fragment(html));
    } catch (error) {
      fill(body, failure(error));
    }
  };

  return {
    element,
    show(next) {
      row = next;
      number.value = String(next);
    },
    open: () => void draw(),
    onKey(key) {
      if (key === "j" || key === "ArrowDown") go(row + 1);
      else if (key === "k" || key === "ArrowUp") go(row - 1);
      else return false;
      return true;
    },
  };
}
