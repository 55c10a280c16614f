// From a teacher's answer to a bundle: finds the JSON in it, fills in what needs no ideas, checks the rest.

import { DataError } from "../../base/errors.ts";
import { checkScenario, type Scenario } from "../../data/scenario.ts";
import { hashScenario } from "../../data/scenario-json.ts";
import { HOST } from "../taxonomy.ts";
import type { TeacherAxes } from "./teacher-prompt.ts";

/** A scenario, or what is wrong with the answer; `draft` is what could be read of it. */
export type Draft =
  | { readonly scenario: Scenario }
  | { readonly complaint: string; readonly draft?: unknown };

/** Reads an answer. */
export function readDraft(answer: string, axes: TeacherAxes, id: string): Draft {
  const value = findObject(answer);
  if (value === undefined)
    return {
      complaint: answer.trim() === "" ? "the answer is empty" : "the answer is not one JSON object",
      draft: answer,
    };
  if (typeof value.archetype === "string" && value.archetype !== axes.archetype)
    return {
      complaint: `archetype: expected ${axes.archetype}, got ${JSON.stringify(value.archetype)}`,
      draft: value,
    };
  const user = typeof value.user === "string" ? value.user : axes.user;
  const { content_hash: _, proven: __, ...given } = value;
  const bundle = {
    ...given,
    version: 1,
    id,
    archetype: axes.archetype,
    axes: axes.axes,
    user,
    host: HOST,
    system: `sek 0.1.0 host: ${HOST} user: ${user} shell: /bin/dash`,
    dirs: value.dirs ?? [],
    fixtures: value.fixtures ?? [],
    env: environment(value.env),
    directive: value.directive ?? null,
    content_hash: "",
  };
  try {
    const unhashed = checkFields(bundle);
    return { scenario: { ...unhashed, contentHash: hashScenario(unhashed) } };
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { complaint: `${error.place.field ?? "bundle"}: ${error.complaint}`, draft: value };
  }
}

/** The reader of bundles looks at the hash last; that complaint means that everything else is right. */
function checkFields(bundle: Record<string, unknown>): Omit<Scenario, "contentHash"> {
  const fields = bundle as unknown as Omit<Scenario, "contentHash"> & Record<string, unknown>;
  try {
    checkScenario(bundle, { file: "answer" });
  } catch (error) {
    if (!(error instanceof DataError) || error.place.field !== "content_hash") throw error;
  }
  const located = (one: { path: string; mode?: string | null }) => ({
    path: one.path,
    ...(one.mode == null ? {} : { mode: one.mode }),
  });
  return {
    id: fields.id,
    archetype: fields.archetype,
    axes: fields.axes,
    user: fields.user,
    host: fields.host,
    system: fields.system,
    dirs: fields.dirs.map(located),
    fixtures: fields.fixtures.map((one) => {
      const { path, mode } = located(one) as { path: string; mode?: string };
      return { path, content: one.content, ...(mode === undefined ? {} : { mode }) };
    }),
    env: fields.env,
    provider: pick(fields.provider, ["name", "path", "script"]),
    announcement: pick(fields.announcement, ["kind", "login"]),
    directive: fields.directive,
    checker: fields.checker,
    referenceSolution: fields.reference_solution as readonly string[],
    expectedTerminal: fields.expected_terminal as Scenario["expectedTerminal"],
  };
}

function pick<T, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}

/** A list of pairs, as the schema asks for, or the map that bundles have. */
function environment(value: unknown): unknown {
  if (!Array.isArray(value)) return value ?? {};
  return Object.fromEntries(value.map((one) => [String(one?.name), one?.value]));
}

/** The one JSON object in an answer, also between words or in a fence. */
function findObject(answer: string): Record<string, unknown> | undefined {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)\n\s*```/.exec(answer)?.[1];
  const braced = answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1);
  for (const text of [answer, fenced, braced]) {
    if (!text) continue;
    try {
      const value = JSON.parse(text);
      if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
    } catch {
      // The next way to look at it.
    }
  }
  return undefined;
}
