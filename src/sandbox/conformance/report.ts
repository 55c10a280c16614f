// How the outcome of a suite is told: to a person as a table and what failed, to a program as one record.

import { formatDuration, formatTable } from "../../base/format.ts";
import type { ProviderFacts } from "../contract.ts";
import type { Outcome } from "./run-checks.ts";

/** What `sandbox check --json` prints. */
export function conformanceRecord(facts: ProviderFacts, outcomes: readonly Outcome[]) {
  return {
    provider: facts.provider,
    version: facts.version,
    image: facts.image,
    properties: facts.properties,
    passed: count(outcomes, "passed"),
    failed: count(outcomes, "failed"),
    skipped: count(outcomes, "skipped"),
    checks: outcomes.map(({ check, status, reason, expected, got, durationMs }) => ({
      id: check.id,
      group: check.group,
      title: check.title,
      why: check.why,
      status,
      reason,
      expected,
      got,
      duration_ms: Math.round(durationMs),
    })),
  };
}

/** The table by group, the skips, the failures, and last the summary. */
export function conformanceLines(
  facts: ProviderFacts,
  outcomes: readonly Outcome[],
  seconds: number,
  columns: number,
): readonly string[] {
  const groups = [...new Set(outcomes.map(({ check }) => check.group))];
  const rows = groups.map((group) => {
    const own = outcomes.filter(({ check }) => check.group === group);
    const spent = own.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
    const counts = (["passed", "failed", "skipped"] as const).map((status) => String(count(own, status)));
    return [group, ...counts, formatDuration(spent)];
  });
  const table = formatTable(
    [
      { title: "group" },
      { title: "passed", align: "right" },
      { title: "failed", align: "right" },
      { title: "skipped", align: "right" },
      { title: "time", align: "right" },
    ],
    rows,
    columns,
  );
  return [...table, ...skipLines(outcomes), ...failureLines(outcomes), "", summary(facts, outcomes, seconds)];
}

/** `docker 28.2: 200 checks, 199 passed, 0 failed, 1 skipped in 60 s`. */
function summary(facts: ProviderFacts, outcomes: readonly Outcome[], seconds: number): string {
  const counts = (["passed", "failed", "skipped"] as const).map(
    (status) => `${count(outcomes, status)} ${status}`,
  );
  const name = `${facts.provider} ${facts.version}`;
  return `${name}: ${outcomes.length} checks, ${counts.join(", ")} in ${formatDuration(seconds)}`;
}

function skipLines(outcomes: readonly Outcome[]): string[] {
  const skipped = outcomes.filter(({ status }) => status === "skipped");
  return skipped.map(({ check, reason }, i) => `${i === 0 ? "\n" : ""}skipped  ${check.id}: ${reason}`);
}

function failureLines(outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ status }) => status === "failed")
    .flatMap(({ check, reason, expected, got }) => [
      "",
      `failed   ${check.id}: ${check.title}`,
      `         ${reason}`,
      `         expected ${expected}`,
      `         got      ${got}`,
      `         why      ${check.why}`,
    ]);
}

function count(outcomes: readonly Outcome[], status: Outcome["status"]): number {
  return outcomes.filter((outcome) => outcome.status === status).length;
}
