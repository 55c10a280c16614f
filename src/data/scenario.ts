// Scenario bundles, version 1: the shape, the paths and the content hash are checked before a bundle is used.

import { DataError, type Place, show } from "../base/errors.ts";
import { hashContent } from "./content-hash.ts";
import { TERMINALS, type Terminal } from "./trajectory.ts";
import {
  arrayField,
  booleanField,
  checkVersion,
  choiceField,
  complain,
  type Fields,
  isFields,
  kindOf,
  stringField,
} from "./turn-checks.ts";

/** Newest version of the bundle that this program reads. */
const SCENARIO_VERSION = 1;

/** Where an operator learns of the provider program. */
const ANNOUNCEMENTS = ["motd", "banner", "env", "file"] as const;

/** A file or directory that is put into the world. */
export interface Fixture {
  readonly path: string;
  readonly content: string;
  readonly mode?: string;
}

/** A world with something to do in it, and how to tell that it was done. */
export interface Scenario {
  readonly id: string;
  readonly archetype: string;
  readonly axes: Readonly<Record<string, string>>;
  readonly user: string;
  readonly host: string;
  readonly system: string;
  readonly dirs: readonly { readonly path: string; readonly mode?: string }[];
  readonly fixtures: readonly Fixture[];
  readonly env: Readonly<Record<string, string>>;
  readonly provider: { readonly name: string; readonly path: string; readonly script: string };
  readonly announcement: { readonly kind: (typeof ANNOUNCEMENTS)[number]; readonly login: string };
  /** `null`: there is nothing to do, or it cannot be read. */
  readonly directive: string | null;
  readonly checker: string;
  readonly referenceSolution: readonly string[];
  readonly expectedTerminal: Terminal;
  /** False: made without a sandbox, so that nobody knows whether it can be done. Absent counts as true. */
  readonly proven?: boolean;
  /** `sha256:` of the bundle without this field. */
  readonly contentHash: string;
}

/** Checks one bundle.
 *  @throws DataError naming the field; the hash is looked at last, so that a missing field is called missing. */
export function checkScenario(value: unknown, place: Place): Scenario {
  if (!isFields(value)) throw new DataError(place, `expected an object, found ${kindOf(value)}`);
  checkVersion(value, SCENARIO_VERSION, place);
  const provider = objectField(value, "provider", place);
  const announcement = objectField(value, "announcement", place);
  const scenario: Scenario = {
    id: fileName(value, "id", place),
    archetype: stringField(value, "archetype", place),
    axes: stringMap(value, "axes", place),
    user: stringField(value, "user", place),
    host: stringField(value, "host", place),
    system: stringField(value, "system", place),
    dirs: arrayField(value, "dirs", place).map((dir, i) => located(dir, `dirs[${i}]`, place)),
    fixtures: arrayField(value, "fixtures", place).map((fixture, i) => ({
      ...located(fixture, `fixtures[${i}]`, place),
      content: stringField(fixture as Fields, "content", place, `fixtures[${i}].content`),
    })),
    env: stringMap(value, "env", place),
    provider: {
      name: stringField(provider, "name", place, "provider.name"),
      path: worldPath(provider, "provider.path", place),
      script: stringField(provider, "script", place, "provider.script"),
    },
    announcement: {
      kind: announcementKind(announcement, place),
      login: stringField(announcement, "login", place, "announcement.login"),
    },
    directive: value.directive === null ? null : stringField(value, "directive", place),
    checker: stringField(value, "checker", place),
    referenceSolution: arrayField(value, "reference_solution", place).map((command, i) =>
      stringField({ command }, "command", place, `reference_solution[${i}]`),
    ),
    expectedTerminal: choiceField(value, "expected_terminal", TERMINALS, place),
    ...(value.proven === undefined ? {} : { proven: booleanField(value, "proven", place) }),
    contentHash: stringField(value, "content_hash", place),
  };
  const { content_hash: _, ...content } = value;
  if (hashContent(content) !== scenario.contentHash)
    complain(place, "content_hash", "content_hash does not fit the content");
  return scenario;
}

function objectField(fields: Fields, name: string, place: Place): Fields {
  const value = fields[name];
  if (value === undefined) complain(place, name, "missing");
  if (!isFields(value)) complain(place, name, `expected an object, found ${kindOf(value)}`);
  return value;
}

function stringMap(fields: Fields, name: string, place: Place): Record<string, string> {
  const map = objectField(fields, name, place);
  for (const key of Object.keys(map)) stringField(map, key, place, `${name}.${key}`);
  return map as Record<string, string>;
}

function announcementKind(announcement: Fields, place: Place): (typeof ANNOUNCEMENTS)[number] {
  const kind = stringField(announcement, "kind", place, "announcement.kind");
  const known = ANNOUNCEMENTS.find((name) => name === kind);
  return known ?? complain(place, "announcement.kind", `unknown kind: ${kind}`);
}

/** Ids name files. */
function fileName(fields: Fields, name: string, place: Place): string {
  const id = stringField(fields, name, place);
  if (!/^[^/\\\0]+$/.test(id) || id === "." || id === "..") complain(place, name, `not a name: ${show(id)}`);
  return id;
}

function located(value: unknown, path: string, place: Place): { path: string; mode?: string } {
  if (!isFields(value)) complain(place, path, `expected an object, found ${kindOf(value)}`);
  const where = worldPath(value, `${path}.path`, place);
  return value.mode === undefined || value.mode === null
    ? { path: where }
    : { path: where, mode: octalMode(value, `${path}.mode`, place) };
}

function octalMode(fields: Fields, field: string, place: Place): string {
  const mode = stringField(fields, "mode", place, field);
  if (!/^[0-7]{3,4}$/.test(mode))
    complain(place, field, `expected an octal mode such as 0644, found ${show(mode)}`);
  return mode;
}

/** Absolute, and without a step upwards: a bundle must not reach outside its own world. */
function worldPath(fields: Fields, field: string, place: Place): string {
  const path = stringField(fields, "path", place, field);
  if (!path.startsWith("/") || path.split("/").includes("..") || path.includes("\0"))
    complain(place, field, "path leaves the world");
  return path;
}
