// What became of a mix: shares as they were wanted and as they are, and what was taken out on the way.

import { formatCount, formatTable } from "../base/format.ts";
import type { BenchmarkFacts } from "./contamination.ts";
import type { DuplicateSearch } from "./near-duplicates.ts";
import type { Supply } from "./quotas.ts";
import type { ScannedSource } from "./scan.ts";
import type { MixPaths, MixSpec } from "./spec.ts";

/** Difference between a share and what was wanted that is worth a warning. */
const FAR = 0.005;

/** What became of one source. */
export interface SourceResult {
  readonly scanned: ScannedSource;
  readonly repeated: number;
  readonly held: number;
  readonly left: Supply;
  readonly quota: number;
  readonly rows: number;
  readonly units: number;
  /** Different rows among them. */
  readonly used: number;
}

/** The record of a mix, as it stands beside it and as --json prints it. The same inputs and seed give the same bytes. */
export interface MixReport {
  readonly kind: "mix";
  readonly version: 1;
  readonly seed: number;
  readonly by: string;
  readonly base: string | null;
  readonly total: { readonly wanted: number | null; readonly units: number; readonly rows: number };
  readonly limited_by: string | null;
  readonly sources: readonly SourceReport[];
  readonly removed: Readonly<Record<string, number>>;
  readonly holdout_rows: number;
  readonly dedup: ({ readonly threshold: number; readonly ngram: number } & Partial<DuplicateSearch>) | null;
  readonly contamination: {
    readonly ngram: number;
    readonly share: number;
    readonly action: string;
    readonly archetypes: readonly string[];
    readonly against: readonly BenchmarkFacts[];
  } | null;
  readonly warnings: readonly string[];
  readonly files: Readonly<Record<string, { readonly path: string; readonly sha256: string }>> | null;
}

interface SourceReport {
  readonly name: string;
  readonly files: readonly string[];
  readonly content_hash: string;
  /** What was read, what was taken out of it and why, and what is left for the mix. */
  readonly read: number;
  readonly not_kept: number;
  readonly refused: number;
  readonly contaminated: number;
  readonly near_duplicates: number;
  readonly held_out: number;
  readonly left: { readonly rows: number; readonly units: number };
  readonly wanted: { readonly share: number; readonly units: number };
  readonly mixed: { readonly share: number; readonly units: number; readonly rows: number };
  /** Different rows in the mix, and how often one of them is used on average. */
  readonly different: number;
  readonly times: number;
}

/** Puts the record together. */
export function reportOf(facts: {
  readonly spec: MixSpec;
  readonly paths: MixPaths;
  readonly results: readonly SourceResult[];
  readonly contamination: readonly BenchmarkFacts[];
  readonly search: DuplicateSearch | undefined;
  readonly limitedBy: string | undefined;
  readonly hashes: { out: string; holdout?: string; removed: string } | undefined;
}): MixReport {
  const { spec, paths, results, search, hashes } = facts;
  const units = results.reduce((sum, one) => sum + one.units, 0);
  const sources = results.map((one): SourceReport => {
    const { scanned, left, rows } = one;
    return {
      name: scanned.spec.name,
      files: scanned.files,
      content_hash: scanned.hash,
      read: scanned.rows,
      not_kept: scanned.notKept,
      refused: scanned.refused,
      contaminated: scanned.contaminated,
      near_duplicates: one.repeated,
      held_out: one.held,
      left: { rows: left.rows, units: left.units },
      wanted: { share: scanned.spec.share, units: one.quota },
      mixed: { share: one.units / units, units: one.units, rows },
      different: one.used,
      times: one.used === 0 ? 0 : Number((rows / one.used).toFixed(4)),
    };
  });
  const sum = (of: (source: SourceReport) => number) => sources.reduce((total, one) => total + of(one), 0);
  return {
    kind: "mix",
    version: 1,
    seed: spec.seed,
    by: spec.by,
    base: spec.base ?? null,
    total: { wanted: spec.total ?? null, units, rows: sum(({ mixed }) => mixed.rows) },
    limited_by: facts.limitedBy ?? null,
    sources,
    removed: {
      not_kept: sum((one) => one.not_kept),
      refused: sum((one) => one.refused),
      contaminated: spec.contamination?.action === "list" ? 0 : sum((one) => one.contaminated),
      near_duplicates: sum((one) => one.near_duplicates),
    },
    holdout_rows: sum((one) => one.held_out),
    dedup: spec.dedup ? { ...spec.dedup, ...search } : null,
    contamination: spec.contamination
      ? {
          ngram: spec.contamination.ngram,
          share: spec.contamination.share,
          action: spec.contamination.action,
          archetypes: spec.contamination.archetypes,
          against: facts.contamination,
        }
      : null,
    warnings: warningsOf(sources, search),
    files: hashes
      ? {
          out: { path: paths.out, sha256: hashes.out },
          ...(hashes.holdout !== undefined && { holdout: { path: paths.holdout, sha256: hashes.holdout } }),
          removed: { path: paths.removed, sha256: hashes.removed },
        }
      : null,
  };
}

function warningsOf(sources: readonly SourceReport[], search: DuplicateSearch | undefined): string[] {
  const far = sources.filter(({ wanted, mixed }) => Math.abs(mixed.share - wanted.share) > FAR);
  const warnings = far.map(
    ({ name, wanted, mixed }) =>
      `${name}: ${percent(mixed.share)} in place of ${percent(wanted.share)}: its rows are too long for so small a mix`,
  );
  if (search !== undefined && search.crowded > 0)
    warnings.push(
      `${formatCount(search.crowded)} rows have so much in common with hundreds of others that they were not compared with all of them`,
    );
  return warnings;
}

/** The record as a person reads it. */
export function reportLines({ by, sources, total, ...report }: MixReport, columns: number): string[] {
  const right = (title: string) => ({ title, align: "right" as const });
  const byRows = by === "rows";
  const table = formatTable(
    [
      { title: "source" },
      ...["wanted", "is", by, ...(byRows ? [] : ["rows"]), "times", "left", "read", "out", "held"].map(right),
    ],
    sources.map((one) => [
      one.name,
      percent(one.wanted.share),
      percent(one.mixed.share),
      formatCount(one.mixed.units),
      ...(byRows ? [] : [formatCount(one.mixed.rows)]),
      one.times.toFixed(2),
      formatCount(one.left.rows),
      formatCount(one.read),
      formatCount(one.read - one.left.rows - one.held_out),
      formatCount(one.held_out),
    ]),
    columns,
  );
  const out = Object.entries(report.removed).filter(([, count]) => count > 0);
  const listed =
    report.contamination?.action === "list" ? sources.reduce((sum, one) => sum + one.contaminated, 0) : 0;
  return [
    ...table,
    `${formatCount(total.rows)} rows${byRows ? "" : `, ${formatCount(total.units)} ${by}`}${report.limited_by === null ? "" : `; ${report.limited_by} is the source that allows no more`}`,
    ...(out.length > 0
      ? [
          `out: ${out.map(([reason, count]) => `${formatCount(count)} ${reason.replaceAll("_", " ")}`).join(", ")}`,
        ]
      : []),
    ...(listed > 0 ? [`contaminated and kept: ${formatCount(listed)}`] : []),
    ...Object.values(report.files ?? {}).map(({ path }) => path),
  ];
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`;
}
