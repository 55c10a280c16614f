// The rules of `gates:`, read from the config file and held against the suites that the windows run.

import { closest } from "../../base/errors.ts";
import { YamlValue } from "../../base/yaml-file.ts";
import type { Metric, Rule } from "./rules.ts";

/** A suite and what it measures. */
export interface SuiteMetrics {
  readonly name: string;
  readonly metrics: readonly string[];
}

/** Reads `{stop_when: rule or list of rules}`, as JSON.
 *  @throws DataError naming an unknown key, suite or metric and the nearest known one */
export function readRules(text: string, suites: readonly SuiteMetrics[]): Rule[] {
  const { stop_when } = YamlValue.parse(text, "gates").known("`stop_when: rules`", ["stop_when"]);
  if (stop_when === undefined) return [];
  const list = stop_when.isList ? stop_when.items() : [stop_when];
  return list.map((one) => readRule(one, suites));
}

const keys = ["suite", "metric", "falls", "no_better_for_steps", "by", "after_step", "needs"] as const;
const forms =
  "{suite, metric, falls}, {suite, metric, no_better_for_steps} or {after_step, needs: {metric: least}}";

function readRule(value: YamlValue, suites: readonly SuiteMetrics[]): Rule {
  const fields = value.known(`a rule, ${forms}`, keys);
  const { falls, no_better_for_steps: plateau, after_step: after, needs, by, metric, suite } = fields;
  const kinds = [falls, plateau, after].filter((one) => one !== undefined);
  if (kinds.length !== 1) throw value.wrong(`expected a rule, ${forms}, got another shape`);
  const foreign = [...(after ? [metric, by] : [needs]), ...(falls ? [by] : [])].find(
    (one) => one !== undefined,
  );
  if (foreign) throw foreign.wrong("expected no such key in a rule of this kind, got one");
  const suiteName = suite === undefined ? undefined : textOf(suite);
  if (suite !== undefined) suiteNamed(suite, suiteName!, suites);
  const find = (at: YamlValue, word: string) => findMetric(at, word, suiteName, suites);
  if (after !== undefined) {
    const entries = needs?.entries("`metric: least value` lines") ?? [];
    if (entries.length === 0) throw value.wrong("expected needs: {metric: least value}, got nothing");
    const least = entries.map(([word, at]) => ({ ...find(at, word), least: numberOf(at, 0) }));
    return { kind: "needs", afterStep: wholeOf(after), needs: least };
  }
  if (metric === undefined) throw value.wrong("expected a metric, got none");
  const of = find(metric, textOf(metric));
  if (falls !== undefined) return { kind: "falls", of, times: wholeOf(falls) };
  return { kind: "no better", of, steps: wholeOf(plateau!), by: by === undefined ? 0 : numberOf(by, 0) };
}

/** `metric`, or `suite.metric`. */
function findMetric(
  at: YamlValue,
  word: string,
  suite: string | undefined,
  suites: readonly SuiteMetrics[],
): Metric {
  const dot = word.indexOf(".");
  const named = dot > 0 ? word.slice(0, dot) : suite;
  const metric = word.slice(dot + 1);
  const where = named === undefined ? suites : [suiteNamed(at, named, suites)];
  const having = where.filter(({ metrics }) => metrics.includes(metric));
  if (having.length === 1) return { suite: having[0]!.name, metric };
  if (having.length > 1)
    throw at.wrong(
      `expected one suite that measures ${metric}, got ${having.map(({ name }) => name).join(" and ")}`,
      `write ${having[0]!.name}.${metric}, or give the rule a suite`,
    );
  const known = where.flatMap(({ metrics }) => metrics);
  const near = closest(metric, known);
  throw at.wrong(
    `expected one of ${[...new Set(known)].join(", ")}, got ${metric}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

function suiteNamed(at: YamlValue, word: string, suites: readonly SuiteMetrics[]): SuiteMetrics {
  const found = suites.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const names = suites.map(({ name }) => name);
  const near = closest(word, names);
  throw at.wrong(
    `expected a suite of the windows (${names.join(", ")}), got ${word}`,
    near === undefined ? "add it to windows: {suites: ...}" : `did you mean ${near}?`,
  );
}

function textOf(value: YamlValue): string {
  const text = value.plain(true);
  if (typeof text !== "string" || text === "") throw value.wrong("expected a name, got something else");
  return text;
}

function wholeOf(value: YamlValue): number {
  const number = value.plain();
  if (!Number.isSafeInteger(number) || (number as number) < 1)
    throw value.wrong(`expected a whole number of at least 1, got ${JSON.stringify(number)}`);
  return number as number;
}

function numberOf(value: YamlValue, least: number): number {
  const number = value.plain();
  if (typeof number !== "number" || !Number.isFinite(number) || number < least)
    throw value.wrong(`expected a number of at least ${least}, got ${JSON.stringify(number)}`);
  return number;
}
