// `sekft inspect mask`: which tokens of the trajectories are trained, before anything is.

import { defineCommand, type Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import { dataOptions, endingOptions, toDatasetOptions } from "../data/data-options.ts";

const inspectMaskOptions = {
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    required: true,
    group: "Data",
    aliases: ["model-name-or-path"],
    help: "base model; a directory with only its tokenizer files is enough",
  },
  ...dataOptions,
  data: { ...dataOptions.data, required: true },
  ...endingOptions,
  index: { type: "int", min: 0, group: "View", help: "show only this row, counted from 0" },
  limit: {
    type: "int",
    min: 0,
    group: "View",
    unit: "rows",
    help: "how many rows to show: 3 on a terminal, 50 in a page, all as JSON unless given",
  },
  html: {
    type: "string",
    value: "FILE",
    group: "View",
    help: "write one self-contained page with every token",
  },
} as const;

export const inspectMask = defineCommand({
  name: "inspect mask",
  summary: "Shows which tokens of the trajectories are trained",
  description:
    "Renders every trajectory with the base's own chat template, tokenises it and marks what gets a label: the assistant's " +
    "commands and the token that ends each turn. Needs no GPU and no weights.",
  options: inspectMaskOptions,
  examples: [
    {
      line: "sekft inspect mask --data ./trajectories --base ./SmolLM2-135M-Instruct",
      does: "shows the first rows and the totals",
    },
    {
      line: "sekft inspect mask --data rows.jsonl --base ./model.gguf --html mask.html",
      does: "writes a page with every token",
    },
  ],
  run: (options, terminal) => showMask(options, terminal),
});

/** Reads and encodes the data, shows rows as asked, then the totals; also behind `train --inspect`.
 *  @throws UserError when no row is left to train on. */
export async function showMask(
  options: Options<typeof inspectMaskOptions>,
  terminal: Terminal,
): Promise<void> {
  const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
  const { emptyCounts, encodeRows, requireSome } = await import("../data/dataset.ts");
  const { summaryLines } = await import("../data/view/mask-summary.ts");
  const format = loadChatFormat(options.base, options.chatTemplate);
  const view = await openView(options, terminal, format);
  const counts = emptyCounts();
  let row = 0;
  let shown = 0;
  let firstRefused: Parameters<typeof requireSome>[2];
  for await (const { result } of encodeRows(toDatasetOptions(options), format, counts)) {
    if ("refused" in result) firstRefused ??= result;
    const wanted =
      options.index === undefined ? shown < (options.limit ?? view.limit) : row === options.index;
    if (wanted) {
      view.show(result, row);
      shown++;
    }
    row++;
  }
  if (options.index !== undefined && row > 0 && shown === 0)
    throw new UserError(`--index: expected 0 to ${row - 1}, got ${options.index}`);
  view.finish(summaryLines(counts));
  requireSome(options, counts, firstRefused);
}

type Row = Parameters<typeof import("../data/view/mask-json.ts").maskJson>[0];
type Format = Parameters<typeof import("../data/view/mask-json.ts").maskJson>[1];

interface View {
  /** Rows shown when --limit is not given. */
  readonly limit: number;
  show(row: Row, index: number): void;
  finish(totals: readonly string[]): void;
}

async function openView(
  options: Options<typeof inspectMaskOptions>,
  terminal: Terminal,
  format: Format,
): Promise<View> {
  if (options.html !== undefined) return htmlView(options.html, options.data, terminal);
  if (terminal.json) {
    const { maskJson } = await import("../data/view/mask-json.ts");
    return {
      limit: Number.POSITIVE_INFINITY,
      show: (row) => terminal.out(maskJson(row, format)),
      finish: (totals) => {
        for (const line of totals) terminal.note(line);
      },
    };
  }
  const { maskLines } = await import("../data/view/mask-terminal.ts");
  return {
    limit: 3,
    show: (row, index) => {
      for (const line of maskLines(row, index, terminal)) terminal.out(line);
    },
    finish: (totals) => {
      for (const line of totals) terminal.out(line);
    },
  };
}

async function htmlView(file: string, data: string, terminal: Terminal): Promise<View> {
  const { htmlFoot, htmlHead, htmlRow } = await import("../data/view/mask-html.ts");
  const { writeChunksAtomic } = await import("../base/atomic.ts");
  const encoder = new TextEncoder();
  const chunks = [encoder.encode(htmlHead(`What is trained of ${data}`))];
  return {
    limit: 50,
    show: (row, index) => chunks.push(encoder.encode(htmlRow(row, index))),
    finish: (totals) => {
      chunks.push(encoder.encode(htmlFoot(totals)));
      writeChunksAtomic(file, chunks);
      for (const line of totals) terminal.note(line);
      terminal.out(terminal.json ? JSON.stringify({ html: file }) : file);
    },
  };
}
