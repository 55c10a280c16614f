// The reference's log-probabilities: one pass over all pairs before the first step, on the run's own model with the reference's
// adapter written into its place, kept in the run folder as they come, so that no resumed run computes one twice.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBatch } from "../../model/batch.ts";
import { AppendLog } from "../append-log.ts";
import { type EvaluatedModel, splitRows } from "../objective.ts";
import type { Row } from "../rows.ts";
import type { Share } from "../run-host.ts";
import { completionLogps, type ReferenceLogps } from "./objective.ts";

/** Name of the cache in the run folder. */
export const referenceName = "reference_logps.jsonl";

/** What the numbers depend on. */
export interface ReferenceFacts {
  readonly base: string;
  /** Of the reference's adapter; null for the base alone. */
  readonly adapter: string | null;
  readonly data: readonly (string | null)[];
  readonly template: string | null;
  readonly maxLength: number;
  readonly load4bit: boolean;
  readonly tier: string;
  readonly batchSize: number;
  /** Another order of the same sums. */
  readonly sharePrefix: boolean;
}

/** What the pass works on. */
export interface ReferencePass {
  readonly folder: string;
  readonly facts: ReferenceFacts;
  /** Pairs to train on, then those to validate with. */
  readonly rows: readonly Row[];
  readonly vocab: number;
  readonly share: Share;
  stop(): boolean;
  onPair(done: number): void;
}

/** Reads what an earlier pass left and computes the rest; undefined when `stop` says so on the way.
 *  @param model holds the reference when `prepare` has been called, which is not when nothing is missing. */
export async function referenceLogps(
  pass: ReferencePass,
  model: EvaluatedModel,
  prepare: () => void,
): Promise<ReferenceLogps | undefined> {
  const { folder, facts, rows, vocab, share } = pass;
  const path = join(folder, referenceName);
  const header = `${JSON.stringify({ format: 1, key: keyOf(facts), ...facts })}\n`;
  const { logps, bytes } = readCache(path, header, rows.length);
  const log = new AppendLog(path, bytes);
  try {
    if (bytes === 0) log.append(header);
    if (logps.length < rows.length) prepare();
    // Whole batches only, counted from the start: the same sums in the same order, wherever the pass was cut.
    while (logps.length < rows.length) {
      await Bun.sleep(0);
      if (pass.stop()) return undefined;
      const part = rows.slice(logps.length, logps.length + facts.batchSize);
      const batch = makeBatch(part.flat(), vocab);
      const losses = await share(() => {
        model.evaluate(batch);
        return model.takeLosses();
      });
      const values = completionLogps(splitRows([batch], losses)[0]!);
      const found = part.map((_, i) => ({ chosen: values[2 * i]!, rejected: values[2 * i + 1]! }));
      log.append(found.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
      logps.push(...found);
      pass.onPair(logps.length);
    }
    log.sync();
  } finally {
    log.close();
  }
  return new Map(
    rows.flatMap(([chosen, rejected], i) => [
      [chosen!, logps[i]!.chosen] as const,
      [rejected!, logps[i]!.rejected] as const,
    ]),
  );
}

/** Reads whole lines; a pass that was killed may have left half of one, and a batch may be there in part. */
function readCache(path: string, header: string, pairs: number) {
  const logps: { chosen: number; rejected: number }[] = [];
  if (!existsSync(path)) return { logps, bytes: 0 };
  const text = readFileSync(path, "utf8");
  if (!text.startsWith(header)) return { logps, bytes: 0 };
  let bytes = header.length;
  const batch = (JSON.parse(header) as ReferenceFacts).batchSize;
  const lines = text.slice(header.length).split("\n").slice(0, -1);
  const whole = lines.length >= pairs ? pairs : lines.length - (lines.length % batch);
  for (const line of lines.slice(0, whole)) {
    const pair = parsePair(line);
    if (pair === undefined) return { logps: [], bytes: 0 };
    logps.push(pair);
    bytes += line.length + 1;
  }
  return { logps, bytes };
}

function parsePair(line: string): { chosen: number; rejected: number } | undefined {
  try {
    const { chosen, rejected } = JSON.parse(line) as Record<string, unknown>;
    if (typeof chosen === "number" && typeof rejected === "number") return { chosen, rejected };
  } catch {
    // Not a line of ours: everything is computed again.
  }
  return undefined;
}

function keyOf(facts: ReferenceFacts): string {
  return `sha256:${createHash("sha256").update(JSON.stringify(facts)).digest("hex")}`;
}
