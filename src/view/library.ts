// Everything that is open: the runs that were found, their rows, their summaries and the bases that can show a mask.

import { existsSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import { EpisodePages } from "./episode-page.ts";
import { describe, type FoundRun, findRuns } from "./find-runs.ts";
import { readJsonPart } from "./json-part.ts";
import type { RowTable } from "./row-index.ts";
import { openRows } from "./row-source.ts";
import type { ArmFigure, BaseChoice, RunDetail, RunList, RunSummary } from "./shapes.ts";
import { Summaries } from "./summarise.ts";

/** Logs up to this size are looked through for damage without being asked for. */
const LOOKED_THROUGH_BYTES = 8 << 20;

/** Sessions that are counted for the list each time. */
const MOST_COUNTED = 5000;

/** Runs below some folders; nothing in them is ever written. */
export class Library {
  private runs = new Map<string, FoundRun>();
  private scannedAt = Number.NEGATIVE_INFINITY;
  private scanMs = 0;
  private readonly summaries = new Summaries();
  private readonly opened = new Map<string, EpisodePages>();
  private looking: Promise<void> = Promise.resolve();

  /** @throws UserError when a root is not there, unless roots are `optional` */
  constructor(
    private readonly roots: readonly string[],
    private readonly optional: boolean,
    private readonly base: string | undefined,
  ) {
    this.scan();
  }

  /** The list, newest first. */
  list(): RunList {
    // A tree that takes long to walk is walked less often.
    if (performance.now() - this.scannedAt > Math.max(1500, 20 * this.scanMs)) this.scan();
    const runs = [...this.runs.values()].map((run) => this.summary(run));
    runs.sort((a, b) => timeOf(b) - timeOf(a) || (a.name < b.name ? -1 : 1));
    this.lookThrough(runs);
    return { roots: this.roots.map((root) => resolve(root)), runs };
  }

  /** @throws UserError for an id that is not in the list */
  find(id: string): FoundRun {
    const run = this.runs.get(id);
    if (run) return run;
    throw new UserError(`run: expected one of the list, got ${JSON.stringify(id)}`, {
      hint: "its folder may be gone",
    });
  }

  /** One run in full. */
  detail(run: FoundRun): RunDetail {
    const folder = run.kind === "data" ? undefined : run.path;
    const part = (name: string) =>
      folder === undefined
        ? { value: null, damage: [] }
        : readJsonPart(join(folder, name), `${name} of a run`);
    const manifest = part("manifest.json");
    const options = part("options.json");
    const summary = this.summary(run);
    const total = manifest.value?.totalSteps;
    return {
      summary: { ...summary, damage: [...new Set([...summary.damage, ...options.damage])] },
      manifest: manifest.value,
      options: options.value,
      totalSteps: typeof total === "number" ? total : null,
      dataId: run.kind === "train" ? this.dataOf(manifest.value) : null,
      hasEpisodes: run.kind !== "train" && rowsFile(run) !== undefined,
    };
  }

  /** The rows of a run; the index is built in the background.
   *  @throws UserError when it has none */
  pages(run: FoundRun): EpisodePages {
    let pages = this.opened.get(run.id);
    if (!pages) {
      const file = rowsFile(run);
      if (file === undefined) throw new UserError(`${run.path}: expected episodes or trajectories, got none`);
      pages = new EpisodePages(openRows(file, run.kind === "eval" ? "episode" : "trajectory"));
      this.opened.set(run.id, pages);
    }
    pages.source.refresh().catch(() => undefined);
    return pages;
  }

  /** Bases whose tokenizer is at hand: that of --base, of the run itself, and of every training run.
   *  @returns path by id, the likeliest first */
  bases(run: FoundRun | undefined): (BaseChoice & { readonly path: string })[] {
    const paths = [
      ...(this.base === undefined ? [] : [this.base]),
      ...[...(run ? [run] : []), ...this.runs.values()]
        .filter(({ kind }) => kind !== "data")
        .flatMap(basePaths),
    ];
    return [...new Set(paths.map((path) => resolve(path)))].filter(hasTokenizer).map((path) => ({
      id: describe("data", path, path).id,
      name: `${basename(dirname(path))}/${basename(path)}`,
      path,
    }));
  }

  private summary(run: FoundRun): RunSummary {
    const source = this.opened.get(run.id)?.source;
    const summary = this.summaries.of(run, source?.state.damage ?? []);
    // An eval that goes on has no result yet.
    return run.kind === "eval" && source && summary.arms.length === 0 && source.table.length <= MOST_COUNTED
      ? { ...summary, arms: cleanByArm(source.table) }
      : summary;
  }

  private scan(): void {
    const start = performance.now();
    const hidden = [...this.runs.values()].filter(({ id }) => this.hidden.has(id));
    this.runs = new Map([...hidden, ...findRuns(this.roots, this.optional)].map((run) => [run.id, run]));
    this.scannedAt = performance.now();
    this.scanMs = this.scannedAt - start;
  }

  private readonly hidden = new Set<string>();

  /** The data set of a training run joins the list when it is looked at. */
  private dataOf(manifest: Readonly<Record<string, unknown>> | null): string | null {
    const path = (manifest?.data as { path?: unknown } | undefined)?.path;
    if (typeof path !== "string" || !existsSync(path)) return null;
    const known = [...this.runs.values()].find((run) => run.kind !== "train" && run.path === resolve(path));
    const run = known ?? describe("data", path, dirname(resolve(path)));
    if (!known) {
      this.hidden.add(run.id);
      this.runs.set(run.id, run);
    }
    return run.id;
  }

  /** Short logs are indexed one after the other, so that the list can say which are damaged. */
  private lookThrough(runs: readonly RunSummary[]): void {
    for (const { id, kind } of runs) {
      const run = this.runs.get(id)!;
      const file = rowsFile(run);
      if (kind === "train" || this.opened.has(id) || file === undefined) continue;
      const stat = statSync(file, { throwIfNoEntry: false });
      if (!stat?.isFile() || !/\.(jsonl|ndjson)$/.test(file) || stat.size > LOOKED_THROUGH_BYTES) continue;
      const pages = new EpisodePages(openRows(file, kind === "eval" ? "episode" : "trajectory"));
      this.opened.set(id, pages);
      this.looking = this.looking.then(() => pages.source.refresh()).catch(() => undefined);
    }
  }
}

/** Of two runs that were started together, the one that wrote last comes first. */
function timeOf({ state, started, changed }: RunSummary): number {
  if (state === "live") return Number.MAX_VALUE;
  return (started === null ? Number.NaN : Date.parse(started)) || changed;
}

function cleanByArm(table: RowTable): ArmFigure[] {
  return table.arms.names.map((name, number) => {
    let [x, n] = [0, 0];
    for (let row = 0; row < table.length; row++) {
      if (table.arms.number(row) !== number) continue;
      const { clean, broken } = table.facts(row);
      if (!broken) n++;
      if (clean) x++;
    }
    return { name, x, n };
  });
}

function rowsFile({ kind, path }: FoundRun): string | undefined {
  if (kind === "data") return path;
  const name = { eval: "episodes.jsonl", rollout: "trajectories.jsonl", train: "" }[kind];
  const file = join(path, name);
  return name !== "" && existsSync(file) ? file : undefined;
}

/** Where a run's tokenizer may be: its own folder, and the base that its manifest names. */
function basePaths({ path }: FoundRun): string[] {
  const { value } = readJsonPart(join(path, "manifest.json"), "a run's manifest");
  const bases = [(value?.base as { path?: unknown } | undefined)?.path];
  const arms = value?.arms;
  if (typeof arms === "object" && arms !== null)
    for (const arm of Object.values(arms)) bases.push((arm as { model?: unknown } | null)?.model);
  return [path, ...bases.filter((base): base is string => typeof base === "string" && isAbsolute(base))];
}

function hasTokenizer(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return false;
  return stat.isFile() ? path.endsWith(".gguf") : existsSync(join(path, "tokenizer.json"));
}
