// What is trained of one row, token by token: the work of `sekft inspect mask`, for a page.

import { UserError } from "../base/errors.ts";
import type { ChatFormat } from "../data/chat/chat-format.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { encodeTrajectory } from "../data/encode-trajectory.ts";
import { htmlRow } from "../data/view/mask-html.ts";
import type { FoundRun } from "./find-runs.ts";
import type { Library } from "./library.ts";

/** Longest row that is shown whole; a mask is looked at, not trained on. */
const LONGEST_TOKENS = 32_768;

/** Masks of any row; keeps the tokenizer that was used last. */
export class Masks {
  private last: { readonly path: string; readonly format: ChatFormat } | undefined;

  constructor(private readonly library: Library) {}

  /** Tokens, labels and turns of one row.
   *  @param baseId one of the library's bases
   *  @throws UserError or DataError when the base or the row cannot be read */
  html(run: FoundRun, row: number, baseId: string): string {
    const format = this.format(run, baseId);
    const { source } = this.library.pages(run);
    const { record } = source.row(row);
    const id = "id" in record ? record.id : record.scenario_id;
    const options = {
      maxLength: LONGEST_TOKENS,
      overlong: "truncate-left",
      strictPrefix: false,
      specialInContent: "keep",
    } as const;
    const place = { file: source.file };
    return htmlRow(encodeTrajectory({ id, place, turns: record.turns }, format, options), row);
  }

  /** Tokenizer and chat template of a base. */
  format(run: FoundRun, baseId: string): ChatFormat {
    const base = this.library.bases(run).find(({ id }) => id === baseId);
    if (!base)
      throw new UserError("base: expected a base whose tokenizer is at hand, got none", {
        hint: "start with --base DIR",
      });
    if (this.last?.path !== base.path) this.last = { path: base.path, format: loadChatFormat(base.path) };
    return this.last.format;
  }
}
