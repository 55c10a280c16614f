// The provider: a program that hands out directives and explains itself. Nothing else in a world knows the directive.

import type { Fixture } from "../../data/scenario.ts";
import type { ProviderShape } from "../taxonomy.ts";
import { documentation } from "./provider-docs.ts";
import { type ProviderSetting, shapeOf } from "./provider-shapes.ts";
import type { Seat } from "./seat.ts";
import { quote } from "./sh.ts";
import type { Work } from "./work.ts";

/** A provider and how an operator uses it. */
export interface Provider {
  readonly name: string;
  readonly path: string;
  /** What one types to run it: its name when it lies in PATH, its path otherwise. */
  readonly run: string;
  readonly noun: string;
  readonly script: string;
  readonly dirs: readonly { readonly path: string }[];
  readonly fixtures: readonly Fixture[];
  /** Ways to learn how it is used. */
  readonly help: readonly (readonly string[])[];
  /** Ways to get the directive. */
  readonly fetch: readonly (readonly string[])[];
  /** Guesses that give a usage error. */
  readonly wrong: readonly string[];
  /** Says that a directive is done, hands out the next one; only of shape `ack`. */
  readonly done: string | undefined;
  readonly next: string | undefined;
  /** Condition on its own state in the end. */
  readonly checks: readonly string[];
  /** Added to the directive. */
  readonly request: string;
}

/** Puts a provider around a piece of work.
 *  @param depth pages that have to be read, 1 to 3. */
export function makeProvider(
  work: Work,
  seat: Seat,
  facts: {
    readonly name: string;
    readonly shape: ProviderShape;
    readonly depth: number;
    readonly noun: string;
  },
): Provider {
  const { name, noun } = facts;
  const folder = seat.rng.pick([
    "/usr/local/bin",
    "/usr/local/bin",
    "/usr/local/bin",
    `/opt/${seat.name()}`,
    `/opt/${seat.name()}/bin`,
    "/usr/local/lib",
  ]);
  const path = `${folder}/${name}`;
  const run = folder === "/usr/local/bin" ? name : path;
  const setting: ProviderSetting = {
    seat,
    name,
    run,
    noun,
    directive: work.directive,
    parts: work.parts ?? [],
    answer: work.answer,
    solvable: work.terminal === "exit",
  };
  const shape = shapeOf(facts.shape, setting);
  const docs = documentation(seat, { name, run, noun, depth: facts.depth }, shape);
  const usageLines = [`usage: ${docs.usage}`, docs.hint];
  const script = [
    "#!/bin/sh",
    ...shape.preamble,
    'case "$1" in',
    ...docs.cases,
    ...shape.cases,
    `*) ${usageLines.map((line) => `echo ${quote(line)} >&2`).join("; ")}; exit 2 ;;`,
    "esac",
    "",
  ].join("\n");
  return {
    name,
    path,
    run,
    noun,
    script,
    dirs: shape.dirs,
    fixtures: [...shape.fixtures, ...docs.fixtures],
    help: docs.help,
    fetch: shape.fetch,
    wrong: shape.wrong,
    done: shape.done,
    next: shape.next,
    checks: shape.checks,
    request: shape.request,
  };
}
