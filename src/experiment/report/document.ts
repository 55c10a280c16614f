// The report before it is Markdown or a page: sections of blocks, so that both say the same.

import type { EpisodeRecord } from "../../eval/record.ts";
import type { Table } from "../../eval/report/table.ts";
import type { Figure } from "./drawing.ts";

/** Sessions of one scenario beside each other. */
export interface SessionsBlock {
  readonly kind: "sessions";
  readonly anchor: string;
  readonly sessions: readonly EpisodeRecord[];
  /** The first is shown everywhere; further ones are in the page only, closed. */
  readonly first: boolean;
}

/** A piece of a section. */
export type Block =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "heading"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly string[]; readonly warn?: boolean }
  | { readonly kind: "table"; readonly table: Table; readonly left: number }
  | { readonly kind: "figure"; readonly figure: Figure }
  | { readonly kind: "code"; readonly text: string }
  | {
      readonly kind: "links";
      readonly items: readonly { readonly anchor: string; readonly text: string }[];
    }
  | SessionsBlock;

/** A part of the report. */
export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

/** The whole report. */
export interface Report {
  readonly title: string;
  readonly sections: readonly Section[];
}

/** A paragraph. */
export function paragraph(text: string): Block {
  return { kind: "text", text };
}

/** A table whose first `left` columns are words, the others numbers; without a row there is nothing to show. */
export function tableBlock(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  left = 1,
): readonly Block[] {
  return rows.length === 0 ? [] : [{ kind: "table", table: { titles, rows }, left }];
}

/** A figure where there is one. */
export function figureBlock(figure: Figure | undefined): readonly Block[] {
  return figure === undefined ? [] : [{ kind: "figure", figure }];
}

/** Text that may be published: of a path on somebody's machine only the last part. */
export function publicText(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value) ?? "";
  return value.replace(
    /(?<![\w.~/-])(?:[A-Za-z]:[\\/]|~?\/|\.{1,2}\/)[^\s"',;)]*/g,
    (path) => path.split(/[\\/]/).findLast((part) => part !== "" && !/^\.{1,2}$/.test(part)) ?? path,
  );
}
