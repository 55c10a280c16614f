// The pairs of a run: through the base's own tokenizer and template, or ids as they are. A row is [chosen, rejected].

import { UserError } from "../../base/errors.ts";
import { formatCount } from "../../base/format.ts";
import { parseTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import type { ChatFormat } from "../../data/chat/chat-format.ts";
import { loadChatFormat } from "../../data/chat/load-chat-format.ts";
import { MASKED, type Refused } from "../../data/encode-trajectory.ts";
import { heldOutArchetype } from "../../data/holdout.ts";
import {
  type EncodedPair,
  encodePair,
  fitPair,
  type PairOptions,
  type PairSide,
} from "../../data/preference/encode-pair.ts";
import { type PairRecord, readPairs } from "../../data/preference/pair-record.ts";
import { readTokenizedPairs } from "../../data/preference/tokenized-pairs.ts";
import { renameTurns } from "../../data/rename-terminals.ts";
import { splitByScenario } from "../../data/split.ts";
import type { Sequence } from "../../model/batch.ts";
import type { TrainOptions } from "../options.ts";
import { type Row, tokenCount } from "../rows.ts";
import {
  checkSources,
  dataFacts,
  type TrainingData,
  templateHash,
  tokenizerFilesOf,
} from "../training-data.ts";
import { type PreferenceSettings, preferenceSettings } from "./settings.ts";

/** Reads training and validation pairs.
 *  @throws UserError when there is nothing to train on, DataError for the first row that cannot be read. */
export async function loadPreferenceData(options: TrainOptions, vocab: number): Promise<TrainingData> {
  checkSources(options, "preference pairs", "{prompt_ids, chosen_ids, rejected_ids}");
  const settings = preferenceSettings(options);
  if (options.terminalWeight !== 1)
    throw new UserError(`--terminal-weight: expected --method sft, got ${options.method}`, {
      hint: "preferences are learnt of whole completions; leave it out",
    });
  const terminals = parseTerminals(options.terminals);
  const { maxLength, strictPrefix } = options;
  const limits: PairOptions = {
    maxLength,
    truncationMode: settings.truncationMode,
    strictPrefix,
    specialInContent: options.specialInContent as PairOptions["specialInContent"],
  };
  const wantsText = options.data !== undefined || options.evalData !== undefined;
  const format = wantsText ? loadChatFormat(options.base, options.chatTemplate) : undefined;
  const notes: string[] = [];
  const read = async (path: string | undefined, ids: string | undefined, what: string) => {
    if (ids !== undefined) {
      const pairs = readTokenizedPairs(ids, vocab).map((pair) => fitPair(pair, limits));
      return keep(pairs, ids, what, notes);
    }
    if (path === undefined || format === undefined) return undefined;
    const holdout = path === options.data ? options.holdout : undefined;
    return keep(await encodeAll(path, format, { limits, holdout, terminals }), path, what, notes);
  };
  let pairs = (await read(options.data, options.tokenized, "pairs"))!;
  let held = await read(options.evalData, options.evalTokenized, "validation pairs");
  if (options.validationSplit > 0) {
    const split = splitByScenario(pairs, options.validationSplit, options.seed);
    pairs = [...split.train];
    held = [...split.validation];
  }
  const path = (options.data ?? options.tokenized)!;
  const part = (list: readonly EncodedPair[], from: string) => {
    const rows = list.map((pair) => rowOf(pair, settings, options.sharePrefix));
    const computed = rows.reduce((sum, row) => sum + tokenCount(row), 0);
    const tokens = rows.flat().reduce((sum, { inputIds }) => sum + inputIds.length, 0);
    if (computed < tokens)
      notes.push(
        `${from}: what both sides begin with is computed once: ${formatCount(computed)} tokens instead of ${formatCount(tokens)}`,
      );
    return { rows, facts: dataFacts(from, rows.flat()) };
  };
  return {
    train: part(pairs, path),
    validation: held && part(held, options.evalData ?? options.evalTokenized ?? path),
    template: templateHash(format),
    tokenizerFiles: () => format?.files() ?? tokenizerFilesOf(options.base),
    counts: undefined,
    notes,
  };
}

async function encodeAll(
  path: string,
  format: ChatFormat,
  {
    limits,
    holdout = [],
    terminals,
  }: { limits: PairOptions; holdout: readonly string[] | undefined; terminals: TerminalWords },
): Promise<(EncodedPair | Refused)[]> {
  const pairs: (EncodedPair | Refused)[] = [];
  for await (const record of readPairs(path)) {
    refuseHeldOut(record, holdout);
    pairs.push(encodePair(renamed(record, terminals), format, limits));
  }
  return pairs;
}

/** The pair with other words for its endings; plain text names no turns and stays as it is. */
function renamed(record: PairRecord, terminals: TerminalWords): PairRecord {
  if (record.kind === "text") return record;
  const { prompt, chosen, rejected } = record;
  return {
    ...record,
    prompt: renameTurns(prompt, terminals),
    chosen: renameTurns(chosen, terminals),
    rejected: renameTurns(rejected, terminals),
  };
}

function refuseHeldOut(record: PairRecord, holdout: readonly string[]): void {
  const archetype = heldOutArchetype({ id: "", ...record }, holdout);
  if (archetype === undefined) return;
  const { file, line } = record.place;
  throw new UserError(
    `${file}${line === undefined ? "" : `:${line}`}: expected no pair of the held-out archetypes ${holdout.join(", ")}, got one of ${archetype}`,
    { hint: "take these pairs out of the training data, or hold other archetypes out" },
  );
}

function keep(
  all: readonly (EncodedPair | Refused)[],
  path: string,
  what: string,
  notes: string[],
): EncodedPair[] {
  const pairs = all.filter((pair): pair is EncodedPair => !("refused" in pair));
  const refused = all.filter((pair): pair is Refused => "refused" in pair);
  const [first] = refused;
  if (first && pairs.length === 0)
    throw new UserError(
      `${path}: expected a pair to train on, got all ${all.length} refused; the first, ${first.id}: ${first.refused}: ${first.reason}`,
      { hint: first.refused === "overlong" ? "raise --max-length" : "mend the rows, or leave them out" },
    );
  const counts = new Map<string, number>();
  for (const { refused: code } of refused) counts.set(code, (counts.get(code) ?? 0) + 1);
  const sides = pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]);
  const tokens = sides.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
  const labels = sides.reduce((sum, side) => sum + side.labels.filter((label) => label !== MASKED).length, 0);
  const cut = pairs.filter(({ truncated }) => truncated).length;
  const left = [
    ...[...counts].map(([code, count]) => `${code} ${formatCount(count)} left out`),
    ...(cut > 0 ? [`${formatCount(cut)} cut to the longest length`] : []),
  ];
  notes.push(
    `${what}: ${formatCount(pairs.length)} of ${formatCount(all.length)}, ${formatCount(tokens)} tokens, ${formatCount(labels)} of completions${left.length > 0 ? `; ${left.join("; ")}` : ""}`,
  );
  return pairs;
}

/** ORPO also learns the chosen text from its prompt on: those tokens are labelled, with a weight of 0 in the completion's sum. */
function rowOf({ chosen, rejected }: EncodedPair, { type }: PreferenceSettings, share: boolean): Row {
  const sharedPrefix = share ? sharedTokens(chosen, rejected) : 0;
  const second: Sequence = sharedPrefix > 0 ? { ...rejected, sharedPrefix } : rejected;
  if (type !== "orpo") return [chosen, second];
  const whole: Sequence = {
    inputIds: chosen.inputIds,
    labels: chosen.inputIds,
    weights: Float32Array.from(chosen.labels, (label) => (label === MASKED ? 0 : 1)),
  };
  return [whole, second];
}

/** Tokens that both sides begin with, less the one that predicts the rejected side's first label: it predicts another token there
 *  than on the chosen side. */
function sharedTokens(chosen: PairSide, rejected: PairSide): number {
  const most = rejected.labels.findIndex((label, t) => t > 0 && label !== MASKED) - 1;
  const first = rejected.inputIds.subarray(0, most).findIndex((id, t) => id !== chosen.inputIds[t]);
  return first < 0 ? most : first;
}
