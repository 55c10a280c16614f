// The folder of an authoring run: bundles, rejects, a summary, a manifest, and a journal from which a killed run goes on.

import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { finishedName, removeUnfinished, writeFileAtomic } from "../../base/atomic.ts";
import { DataError, UserError } from "../../base/errors.ts";
import { lockFolder, lockName } from "../../base/folder-lock.ts";
import { Journal } from "../../base/journal.ts";
import { checkScenario, type Scenario } from "../../data/scenario.ts";
import { serialiseScenario } from "../../data/scenario-json.ts";

/** What became of one candidate. */
export interface AuthorRecord {
  readonly archetype: string;
  readonly index: number;
  /** Name of the bundle, or of the reject. */
  readonly id: string;
  /** The gate that refused it; null: admitted. */
  readonly gate: string | null;
  readonly reason: string | null;
}

const JOURNAL = ".author.jsonl";
const MANIFEST = "manifest.json";
const REJECTED = "rejected";

/** What manifest.json says; a run that goes on must have the same settings. */
export interface AuthorManifest extends Readonly<Record<string, unknown>> {
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A folder that is being filled. One process at a time holds it. */
export class AuthorFolder implements Disposable {
  private readonly lock: Disposable;
  private readonly journal: Journal;
  /** What earlier runs with the same settings did, in order. */
  readonly records: readonly AuthorRecord[];

  /** Opens or makes `path` for a run that `manifest` describes, and writes the manifest.
   *  @throws UserError when the folder holds something else, or a run with other settings. */
  constructor(
    readonly path: string,
    manifest: AuthorManifest,
  ) {
    mkdirSync(path, { recursive: true });
    this.lock = lockFolder(path);
    try {
      // A run that was killed while it wrote its first file has left half of the manifest.
      const others = readdirSync(path).filter(
        (name) => name !== lockName && !name.startsWith(`${lockName}-`) && finishedName(name) !== MANIFEST,
      );
      if (existsSync(join(path, MANIFEST))) checkSettings(path, manifest.settings);
      else if (others.length > 0)
        throw new UserError(
          `--out ${path}: expected an empty folder or one that author made, got other files`,
          {
            hint: "choose another folder",
          },
        );
      for (const folder of [path, join(path, REJECTED)])
        removeUnfinished(folder, (name) => name.endsWith(".json"));
      // Before anything else: without it the folder is nobody's.
      writeFileAtomic(join(path, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`);
      this.journal = new Journal(join(path, JOURNAL));
      this.records = this.journal.records as AuthorRecord[];
    } catch (error) {
      this.lock[Symbol.dispose]();
      throw error;
    }
  }

  /** Keeps a bundle. */
  admit(scenario: Scenario, record: AuthorRecord): void {
    writeFileAtomic(this.bundlePath(record.id), serialiseScenario(scenario));
    this.journal.append(record);
  }

  /** Keeps what was refused, with the reason. */
  reject(reject: Readonly<Record<string, unknown>>, record: AuthorRecord): void {
    writeFileAtomic(join(this.path, REJECTED, `${record.id}.json`), `${JSON.stringify(reject, null, 1)}\n`);
    this.journal.append(record);
  }

  /** A bundle that an earlier run kept; `undefined` when somebody took it away.
   *  @throws DataError when it was changed. */
  kept(id: string): Scenario | undefined {
    const file = this.bundlePath(id);
    if (!existsSync(file)) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(file, "utf8"));
    } catch (cause) {
      throw new DataError({ file }, "expected the bundle that author wrote, found no JSON", {
        hint: "remove the file and run the command again: it is made anew",
        cause,
      });
    }
    return checkScenario(value, { file });
  }

  /** Puts back a bundle that was taken away. */
  restore(scenario: Scenario): void {
    writeFileAtomic(this.bundlePath(scenario.id), serialiseScenario(scenario));
  }

  writeSummary(summary: Readonly<Record<string, unknown>>): void {
    writeFileAtomic(join(this.path, "summary.json"), `${JSON.stringify(summary, null, 1)}\n`);
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
    this.lock[Symbol.dispose]();
  }

  private bundlePath(id: string): string {
    return join(this.path, `${id}.json`);
  }
}

function checkSettings(path: string, settings: Readonly<Record<string, unknown>>): void {
  let was: Record<string, unknown>;
  try {
    was =
      (JSON.parse(readFileSync(join(path, MANIFEST), "utf8")) as { settings: Record<string, unknown> })
        .settings ?? {};
  } catch (cause) {
    throw new DataError({ file: join(path, MANIFEST) }, "expected a manifest, found no JSON", { cause });
  }
  for (const name of new Set([...Object.keys(settings), ...Object.keys(was)]))
    if (JSON.stringify(settings[name]) !== JSON.stringify(was[name]))
      throw new UserError(
        `--out ${path}: expected a folder made with the same ${name} (${JSON.stringify(settings[name] ?? null)}), got one made with ${JSON.stringify(was[name] ?? null)}`,
        { hint: "choose another folder, or give the settings that it was made with to go on" },
      );
}
