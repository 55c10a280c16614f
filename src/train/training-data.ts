// The rows of a run: trajectories through the base's own tokenizer and template, or ids as they are; packed if asked for.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError, UserError } from "../base/errors.ts";
import { formatCount, formatShare } from "../base/format.ts";
import type { ChatFormat } from "../data/chat/chat-format.ts";
import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { toDatasetOptions } from "../data/data-options.ts";
import { type DatasetCounts, loadDataset, type Sequence } from "../data/dataset.ts";
import { BASE_LABEL, MASKED } from "../data/encode-trajectory.ts";
import { planBins } from "../data/packing.ts";
import { splitByScenario } from "../data/split.ts";
import { readTokenized } from "../data/tokenized.ts";
import type { Sequence as BatchSequence } from "../model/batch.ts";
import type { DataFacts } from "./manifest.ts";
import type { TrainOptions } from "./options.ts";
import { labelCount, type Row } from "./rows.ts";

/** A set of rows and what the manifest says about it. */
export interface DataPart {
  readonly rows: readonly Row[];
  readonly facts: DataFacts;
}

/** Everything that a run reads besides weights. */
export interface TrainingData {
  readonly train: DataPart;
  readonly validation: DataPart | undefined;
  /** Hash of the chat template; null for rows that came as ids. */
  readonly template: string | null;
  /** Tokenizer files and chat template to put beside the adapter, by name. */
  readonly tokenizerFiles: () => ReadonlyMap<string, string>;
  /** What became of the rows of --data; undefined for --tokenized. */
  readonly counts: DatasetCounts | undefined;
  /** What the user should know about the data, a line each. */
  readonly notes: readonly string[];
}

/** Reads training and validation rows.
 *  @throws UserError when there is nothing to train on, DataError for the first row that cannot be read. */
export async function loadTrainingData(options: TrainOptions, vocab: number): Promise<TrainingData> {
  checkSources(options, "trajectories", "{input_ids, labels}");
  const notes: string[] = [];
  let counts: DatasetCounts | undefined;
  const wantsText = options.data !== undefined || options.evalData !== undefined;
  const format = wantsText ? loadChatFormat(options.base, options.chatTemplate) : undefined;
  const read = async (path: string | undefined, ids: string | undefined, what: string) => {
    // The loss of validation rows is that of their own tokens.
    const keepBase = what === "data" ? options.keepBase : 0;
    if (ids !== undefined) return readIds(ids, { ...options, keepBase }, vocab, notes);
    if (path === undefined || format === undefined) return undefined;
    // Validation rows of a held-out archetype are what they were held out for.
    const holdout = path === options.data ? options.holdout : undefined;
    const dataset = await loadDataset(
      toDatasetOptions({ ...options, data: path, holdout, keepBase }),
      format,
    );
    notes.push(...describeCounts(what, dataset.counts));
    if (path === options.data) counts = dataset.counts;
    return dataset.sequences;
  };
  let sequences = (await read(options.data, options.tokenized, "data"))!;
  let held = await read(options.evalData, options.evalTokenized, "validation data");
  if (options.validationSplit > 0) {
    const split = splitByScenario(sequences, options.validationSplit, options.seed);
    sequences = split.train;
    held = split.validation.map(withoutBase);
  }
  if (options.keepBase > 0 && !sequences.some(({ labels }) => labels.includes(BASE_LABEL)))
    throw new UserError("--keep-base: expected turns of weight 0, got none", {
      hint: "`sekft rollout --work-weight 0` writes them; without them nothing is to be kept",
    });
  const path = (options.data ?? options.tokenized)!;
  const single = (sequence: Sequence): Row => [sequence];
  const train = {
    rows: options.packing ? pack(sequences, options.maxLength) : sequences.map(single),
    facts: dataFacts(path, sequences),
  };
  if (options.packing)
    notes.push(
      `packing: ${formatCount(sequences.length)} sequences in ${formatCount(train.rows.length)} rows of up to ${options.maxLength} tokens`,
    );
  return {
    train,
    validation: held && {
      rows: held.map(single),
      facts: dataFacts(options.evalData ?? options.evalTokenized ?? path, held),
    },
    template: templateHash(format),
    tokenizerFiles: () => format?.files() ?? tokenizerFilesOf(options.base),
    counts,
    notes,
  };
}

/** Refuses sources that contradict each other, or are not there.
 *  @param data what --data holds, @param ids a row of --tokenized; both for messages.
 *  @throws UserError */
export function checkSources(options: TrainOptions, data: string, ids: string): void {
  if ((options.data === undefined) === (options.tokenized === undefined))
    throw new UserError(
      `train: expected either --data or --tokenized, got ${options.data === undefined ? "neither" : "both"}`,
      {
        hint: `--data takes ${data}, --tokenized a JSON list of ${ids}`,
      },
    );
  if (
    [options.evalData, options.evalTokenized, options.validationSplit || undefined].filter(Boolean).length > 1
  )
    throw new UserError(
      "--eval-data: expected one of --eval-data, --eval-tokenized and --validation-split, got more",
    );
  if (options.tokenized !== undefined && options.holdout !== undefined)
    throw new UserError(
      "--holdout: expected --data, got --tokenized, whose rows do not say what they are of",
    );
  for (const [flag, given] of [
    ["--terminals", options.terminals !== undefined],
    ["--terminal-weight", options.terminalWeight !== 1],
  ] as const)
    if (options.tokenized !== undefined && given)
      throw new UserError(`${flag}: expected --data, got --tokenized, whose rows are ids without turns`);
  // Before the tokenizer, so that a mistyped path is what the user hears of first.
  for (const path of [options.data, options.evalData])
    if (path !== undefined && !existsSync(path))
      throw new UserError(`${path}: expected ${data}, got nothing there`);
}

function readIds(file: string, options: TrainOptions, vocab: number, notes: string[]): Sequence[] {
  const rows = readTokenized({
    file,
    vocabularySize: vocab,
    labelsRequired: true,
    keepBase: options.keepBase,
  });
  const { maxLength, overlong } = options;
  const long = rows.filter(({ inputIds }) => inputIds.length > maxLength);
  const [first] = long;
  if (!first) return rows;
  if (overlong === "error")
    throw new DataError(first.place, `expected at most ${maxLength} tokens, got ${first.inputIds.length}`, {
      hint: "raise --max-length, or choose --overlong drop or truncate-left",
    });
  const done = overlong === "drop" ? "left out" : "cut on the left";
  notes.push(`${file}: ${long.length} rows of more than ${maxLength} tokens ${done}`);
  const kept = rows.flatMap((row) => {
    if (row.inputIds.length <= maxLength) return [row];
    const cut = {
      ...row,
      inputIds: row.inputIds.slice(-maxLength),
      labels: row.labels.slice(-maxLength),
      ...(row.weights && { weights: row.weights.slice(-maxLength) }),
    };
    return overlong === "drop" || labelCount([cut]) === 0 ? [] : [cut];
  });
  if (kept.length === 0)
    throw new UserError(`${file}: expected a row of at most ${maxLength} tokens, got none`, {
      hint: "raise --max-length",
    });
  return kept;
}

/** A row as a validation set has it: its loss is that of its own tokens. */
function withoutBase(sequence: Sequence): Sequence {
  return { ...sequence, labels: sequence.labels.map((label) => (label === BASE_LABEL ? MASKED : label)) };
}

function pack(sequences: readonly Sequence[], capacity: number): Row[] {
  const bins = planBins(
    sequences.map(({ inputIds }) => inputIds.length),
    capacity,
  );
  return bins.map((members) => members.map((index) => sequences[index]!));
}

/** What the manifest says about rows. */
export function dataFacts(path: string, sequences: readonly BatchSequence[]): DataFacts {
  const hash = createHash("sha256");
  let tokens = 0;
  let labels = 0;
  for (const sequence of sequences) {
    const { inputIds, weights } = sequence;
    hash.update(`${inputIds.length} ${weights ? "weighted" : ""}\n`);
    for (const part of [inputIds, sequence.labels, weights])
      if (ArrayBuffer.isView(part))
        hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    tokens += inputIds.length;
    labels += labelCount([sequence]);
  }
  return { path, sha256: `sha256:${hash.digest("hex")}`, sequences: sequences.length, tokens, labels };
}

function describeCounts(what: string, counts: DatasetCounts): string[] {
  const refused = Object.entries(counts.refused).map(([code, count]) => `${code} ${count}`);
  const left = [
    ...(counts.notKept > 0 ? [`${formatCount(counts.notKept)} not kept`] : []),
    ...(refused.length > 0 ? [`refused: ${refused.join(", ")}`] : []),
    ...(counts.truncated > 0 ? [`${formatCount(counts.truncated)} cut on the left`] : []),
  ];
  const lines = [
    `${what}: ${formatCount(counts.trajectories)} of ${formatCount(counts.rows)} rows, ${formatCount(counts.tokens)} tokens, ${formatCount(counts.trainedTokens)} trained (${formatShare(counts.trainedTokens, counts.tokens)})${left.length > 0 ? `; ${left.join("; ")}` : ""}`,
  ];
  if (counts.keptTokens > 0)
    lines.push(
      `${what}: ${formatCount(counts.keptTokens)} more tokens, of turns of weight 0, trained towards what the base says there`,
    );
  if (counts.promptNotPrefix > 0)
    lines.push(
      `${what}: in ${formatCount(counts.promptNotPrefix)} of ${formatCount(counts.assistantTurns)} turns the ids before the answer are not those that a server would compute (--strict-prefix refuses them)`,
    );
  if (counts.specialTurns > 0)
    lines.push(
      `${what}: ${formatCount(counts.specialTurns)} turns spell a special token (--special-in-content refuse leaves them out)`,
    );
  for (const [complaint, count] of Object.entries(counts.oddities))
    lines.push(`${what}: ${formatCount(count)} rows: ${complaint}`);
  return lines;
}

const tokenizerNames = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
];

/** Tokenizer files for a run on ids: whatever the base has. */
export function tokenizerFilesOf(base: string): ReadonlyMap<string, string> {
  if (!statSync(base).isDirectory()) return ggufFiles(base)?.files() ?? new Map();
  const present = tokenizerNames.filter((name) => existsSync(join(base, name)));
  return new Map(present.map((name) => [name, readFileSync(join(base, name), "utf8")]));
}

function ggufFiles(base: string): ChatFormat | undefined {
  try {
    return loadChatFormat(base);
  } catch (error) {
    // A base without tokenizer or template can still be trained on ids.
    if (error instanceof UserError || error instanceof DataError) return undefined;
    throw error;
  }
}

/** Hash of the chat template; null without one. */
export function templateHash(format: ChatFormat | undefined): string | null {
  if (!format) return null;
  return `sha256:${createHash("sha256").update(format.template.source).digest("hex")}`;
}
