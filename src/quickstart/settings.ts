// quickstart.json: what was asked of a quickstart and what was settled at its start. The same command finds it and goes on.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, fileProblem, show, UserError } from "../base/errors.ts";
import type { Budget } from "./budget.ts";
import type { Appraisal } from "./machinery.ts";

const settingsName = "quickstart.json";
/** What a kill may have left before the first stage. */
const own = /^(\.lock|quickstart\.|experiment\.)/;

/** What the command line decides. */
export interface Asked {
  /** `embedded`, or a path. */
  readonly base: string;
  readonly minutes: number | null;
  readonly seed: number;
  /** Scenarios of the eval. */
  readonly n: number;
  readonly sandbox: string;
}

/** The file. */
export interface Settings {
  readonly version: 1;
  readonly asked: Asked;
  readonly budget: Budget;
  readonly device: Appraisal;
  /** What worlds run in: what `auto` came to. */
  readonly sandbox: string;
}

/** What a quickstart that began in `folder` settled; undefined where none did.
 *  @throws UserError when the folder is another's, or began with other settings; DataError when the file is damaged */
export function readSettings(folder: string, asked: Asked): Settings | undefined {
  if (!existsSync(folder)) return undefined;
  const file = join(folder, settingsName);
  if (!existsSync(file)) {
    checkEmpty(folder);
    return undefined;
  }
  const settings = parse(file);
  const changed = (Object.keys(asked) as (keyof Asked)[]).filter((key) => asked[key] !== settings.asked[key]);
  if (changed.length === 0) return settings;
  const words = (all: Asked) =>
    changed.map((key) => `--${key} ${all[key] ?? "as long as it takes"}`).join(" ");
  throw new UserError(
    `--out ${folder}: expected the settings that the quickstart there began with (${words(settings.asked)}), got ${words(asked)}`,
    { hint: `keep it and take another folder: --out ${freeName(folder)}` },
  );
}

/** Writes the file into the folder, which exists. */
export function writeSettings(folder: string, settings: Settings): void {
  writeFileAtomic(join(folder, settingsName), `${JSON.stringify(settings, null, 1)}\n`);
}

function checkEmpty(folder: string): void {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => !own.test(name));
  } catch (cause) {
    throw new UserError(`--out ${folder}: expected a folder, got ${problemOf(cause)}`, { cause });
  }
  if (names.length > 0)
    throw new UserError(
      `--out ${folder}: expected an empty folder or one of a quickstart, got one with ${names[0]} in it`,
      { hint: `for example --out ${freeName(folder)}` },
    );
}

function problemOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code === "ENOTDIR" ? "a file" : fileProblem(cause);
}

function parse(file: string): Settings {
  let value: Settings;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    const what = cause instanceof SyntaxError ? "no JSON" : fileProblem(cause);
    throw new DataError({ file }, `expected what a quickstart settled, got ${what}`, { cause });
  }
  if (value?.version !== 1 || typeof value.asked !== "object" || typeof value.budget?.sessions !== "number")
    throw new DataError({ file }, `expected what a quickstart settled, got ${show(value)}`, {
      hint: "another version of sekft may have written it; take another --out",
    });
  return value;
}

/** `runs/quickstart-2` and so on: the first that is not there. */
function freeName(folder: string): string {
  const plain = folder.replace(/\/+$/, "");
  let number = 2;
  while (existsSync(`${plain}-${number}`)) number++;
  return `${plain}-${number}`;
}
