// The whole of a mix: read, take out, hold out, choose, write. Memory is a few bytes a row; texts are read from the disk, twice.

import { existsSync, realpathSync } from "node:fs";
import type { Terminal } from "../base/command.ts";
import { Interrupted, UserError } from "../base/errors.ts";
import { Interruption } from "../base/interruption.ts";
import { fillQuota, holdOut, rngFor, rowsLeft, shuffle } from "./choose.ts";
import { Contamination } from "./contamination.ts";
import { bandsFor, MinHash } from "./minhash.ts";
import type { DuplicateSearch } from "./near-duplicates.ts";
import { OutputFile } from "./output.ts";
import { progress } from "./progress.ts";
import { quotasFor } from "./quotas.ts";
import { RefusedRows } from "./refused-rows.ts";
import { type MixReport, reportOf, type SourceResult } from "./report.ts";
import type { RowFile } from "./row-file.ts";
import { RowTable } from "./row-table.ts";
import { RowWriter } from "./row-writer.ts";
import { openSource, type ScannedSource, scanSource } from "./scan.ts";
import { SketchFile } from "./sketch-file.ts";
import type { MixPaths, MixSpec } from "./spec.ts";
import { takeOutDuplicates } from "./take-out-duplicates.ts";
import { weighBy } from "./weigh.ts";

/** Time after which signals and the terminal have their turn, in milliseconds. */
const TURN_MS = 50;

/** Makes the mix and writes its files, all of them or none.
 *  @param dryRun reads and chooses, and writes nothing
 *  @throws UserError, DataError naming what is wrong with file, sources or rows; Interrupted */
export async function runMix(
  spec: MixSpec,
  paths: MixPaths,
  terminal: Terminal,
  dryRun: boolean,
): Promise<MixReport> {
  using interruption = new Interruption();
  using stack = new DisposableStack();
  const pause = turns(interruption);
  const weigh = weighBy(spec.by, spec.base, spec.chatTemplate);
  const contamination = spec.contamination && (await Contamination.load(spec.contamination));
  const table = new RowTable({
    weights: spec.by !== "rows",
    groups: spec.sources.some(({ holdout }) => holdout > 0 && holdout < 1),
  });
  let spools = 0;
  const spool = () => `${paths.out}.part-${process.pid}.${spools++}`;
  const removedFile = stack.use(new OutputFile(paths.removed));
  const opened = spec.sources.map((source) => openSource(source, spool).map((file) => stack.use(file)));
  for (const file of opened.flat()) refuseSame(file, paths);
  const bands = spec.dedup && bandsFor(spec.dedup.threshold);
  const hash = bands && new MinHash(bands);
  const signatures = hash && { hash, file: stack.use(new SketchFile(spool(), hash.keys.length, hash.size)) };

  const refused = new RefusedRows(spec);
  const scanned: ScannedSource[] = [];
  const total = opened.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  const [unitBytes, unit] = total < 1e7 ? [1e3, "kB"] : [1e6, "MB"];
  {
    using reading = progress(terminal, "mix: reading", total / unitBytes, unit);
    let before = 0;
    for (const [i, source] of spec.sources.entries()) {
      const one = await scanSource(source, opened[i]!, {
        spec,
        table,
        weigh,
        contamination,
        signatures,
        removed(removal) {
          removedFile.add(removal);
          refused.note(removal);
        },
        tick(bytes) {
          reading.update((before + bytes) / unitBytes, source.name);
          return pause();
        },
      });
      before += one.bytes;
      reading.update(before / unitBytes, source.name);
      scanned.push(one);
    }
  }
  refused.stop();

  const repeated = scanned.map(() => 0);
  let search: DuplicateSearch | undefined;
  if (signatures !== undefined)
    search = await takeOutDuplicates(spec, table, scanned, signatures.file, bands!.bands, terminal, pause, {
      removed: (removal) => removedFile.add(removal),
      repeated,
    });

  const split = scanned.map(({ spec: { holdout }, first, end }) => {
    table.litter.add(8 * (end - first));
    return holdOut(table, rowsLeft(table, first, end), holdout);
  });
  const unitsOf = (rows: Uint32Array) => rows.reduce((sum, row) => sum + table.weight(row), 0);
  const supplies = split.map(({ mixed }, i) => ({
    spec: spec.sources[i]!,
    rows: mixed.length,
    units: unitsOf(mixed),
  }));
  const quotas = quotasFor(supplies, spec);
  const chosen = split.map(({ mixed }, i) => {
    if (quotas.units[i] === 0) return new Uint32Array(0);
    table.litter.add(8 * mixed.length);
    return fillQuota(table, mixed, quotas.units[i]!, rngFor(spec.seed, `rows/${spec.sources[i]!.name}`));
  });
  const results = scanned.map(
    (one, i): SourceResult => ({
      scanned: one,
      repeated: repeated[i]!,
      held: split[i]!.held.length,
      left: supplies[i]!,
      quota: quotas.units[i]!,
      rows: chosen[i]!.length,
      units: unitsOf(chosen[i]!),
      used: Math.min(chosen[i]!.length, supplies[i]!.rows),
    }),
  );
  const facts = {
    spec,
    paths,
    results,
    contamination: contamination?.facts ?? [],
    search,
    limitedBy: quotas.limitedBy,
  };
  if (dryRun) return reportOf({ ...facts, hashes: undefined });

  const order = new Uint32Array(chosen.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const rows of chosen) {
    order.set(rows, at);
    at += rows.length;
  }
  shuffle(order, rngFor(spec.seed, "order"));
  for (const file of opened.flat()) file.checkUnchanged();
  const heldRows = split.reduce((sum, { held }) => sum + held.length, 0);
  const out = stack.use(new OutputFile(paths.out));
  const holdout = heldRows > 0 ? stack.use(new OutputFile(paths.holdout)) : undefined;
  using writing = progress(terminal, "mix: writing", order.length + heldRows, "rows");
  const writer = new RowWriter(table, scanned);
  let done = 0;
  const write = async (rows: Uint32Array, file: OutputFile) => {
    for (const row of rows) {
      file.add(writer.record(row));
      writing.update(++done);
      const waited = pause();
      if (waited !== undefined) await waited;
    }
  };
  if (holdout !== undefined) for (const { held } of split) await write(held, holdout);
  await write(order, out);
  const report = reportOf({
    ...facts,
    hashes: {
      out: out.finish(),
      ...(holdout && { holdout: holdout.finish() }),
      removed: removedFile.finish(),
    },
  });
  const reportFile = stack.use(new OutputFile(paths.report));
  reportFile.add(report);
  reportFile.finish();
  for (const file of [removedFile, holdout, reportFile, out]) file?.commit();
  return report;
}

/** A mix must not be written over what it is made of. */
function refuseSame({ path }: RowFile, paths: MixPaths): void {
  for (const out of Object.values(paths))
    if (existsSync(out) && realpathSync(out) === realpathSync(path))
      throw new UserError(`--out: expected another file than a source, got ${path}`, {
        hint: "the mix would be written over the rows that it is made of",
      });
}

/** Lets signals through now and then, and stops when one came. */
function turns({ signal }: Interruption): () => Promise<void> | undefined {
  let last = performance.now();
  const turn = async () => {
    await Bun.sleep(0);
    last = performance.now();
    if (signal.aborted) throw new Interrupted("mix: stopped; nothing was written");
  };
  let calls = 0;
  // A look at the clock costs more than a short row.
  return () => (++calls % 16 === 0 && performance.now() - last > TURN_MS ? turn() : undefined);
}
