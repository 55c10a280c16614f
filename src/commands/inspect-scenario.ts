// `sekft inspect scenario`: what a bundle holds, as a person reads it, and whether it still passes every gate.

import { defineCommand, type Terminal } from "../base/command.ts";
import { Interrupted, SekftError, UserError } from "../base/errors.ts";
import { formatTable } from "../base/format.ts";
import { printable } from "../base/terminal.ts";
import type { Scenario } from "../data/scenario.ts";
import type { Judgement } from "../factory/gates/judge.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

/** A bundle does not pass. */
class NotAdmitted extends SekftError {
  readonly exitCode = 1;
}

/** A scenario and what the gates said, if they were asked. */
interface Inspected {
  readonly scenario: Scenario;
  readonly judgement?: Judgement;
}

export const inspectScenario = defineCommand({
  name: "inspect scenario",
  summary: "Shows scenario bundles, and with --verify runs every gate on them",
  description:
    "Reads bundles (.json, .jsonl, folders of them) and checks fields and hashes. One bundle is shown whole, several as a table. " +
    "--verify stands the world up from the bundle alone and asks what author asked; the status is 1 when one does not pass.",
  options: {
    paths: { type: "list", value: "PATH", help: "bundles, or folders of them" },
    show: { type: "flag", help: "show every bundle whole, also when there are several" },
    verify: { type: "flag", help: "run the gates" },
    jobs: { type: "int", min: 1, help: "bundles verified at once [default one a processor]" },
    ...sandboxOptions,
  },
  operand: "paths",
  examples: [
    {
      line: "sekft inspect scenario ./scenarios/cleanup-003.json",
      does: "shows announcement, directive, checker and reference",
    },
    {
      line: "sekft inspect scenario ./scenarios --verify",
      does: "runs every gate on every bundle of a folder",
    },
  ],
  async run(options, terminal) {
    if (!options.paths?.length)
      throw new UserError("inspect scenario: expected a bundle or a folder, got nothing", {
        hint: "sekft inspect scenario ./scenarios",
      });
    const { readScenarios } = await import("../data/scenario-files.ts");
    const scenarios = options.paths.flatMap((path) => readScenarios(path));
    const inspected: Inspected[] = options.verify
      ? await verify(scenarios, options, terminal)
      : scenarios.map((scenario) => ({ scenario }));
    if (terminal.json) terminal.out(JSON.stringify(await asJson(inspected, options.verify)));
    else print(inspected, options.show || scenarios.length === 1, terminal);
    const refused = inspected.filter(({ judgement }) => judgement?.admitted === false).length;
    if (refused > 0)
      throw new NotAdmitted(
        `inspect scenario: expected bundles that pass every gate, got ${refused} of ${inspected.length} that do not`,
      );
  },
});

async function verify(
  scenarios: readonly Scenario[],
  options: Parameters<typeof inspectScenario.run>[0],
  terminal: Terminal,
): Promise<Inspected[]> {
  const { openProvider } = await import("../sandbox/open-provider.ts");
  const { judge } = await import("../factory/gates/judge.ts");
  const { inOrder } = await import("../factory/authoring/ordered.ts");
  const { Interruption } = await import("../base/interruption.ts");
  const { startProgress } = await import("../base/progress.ts");
  const { availableParallelism } = await import("node:os");
  await using provider = await openProvider(options, (line) => terminal.note(line));
  using interruption = new Interruption();
  const progress = startProgress(terminal, { label: "verify", total: scenarios.length, unit: "scenarios" });
  const inspected: Inspected[] = [];
  let passing = 0;
  try {
    const work = (scenario: Scenario, signal: AbortSignal) =>
      judge(scenario, { provider, all: true, signal });
    const jobs = options.jobs ?? availableParallelism();
    for await (const { item, result } of inOrder(scenarios, jobs, work, interruption.signal)) {
      inspected.push({ scenario: item, judgement: result });
      if (result.admitted) passing++;
      progress.update(inspected.length, `${passing} pass`);
    }
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    throw new Interrupted(
      `inspect scenario: stopped after ${inspected.length} of ${scenarios.length} bundles`,
    );
  } finally {
    progress.end();
  }
  return inspected;
}

async function asJson(inspected: readonly Inspected[], verified: boolean): Promise<Record<string, unknown>> {
  const { scenarioFields } = await import("../data/scenario-json.ts");
  return {
    scenarios: inspected.map(({ scenario, judgement }) => ({
      ...scenarioFields(scenario),
      ...(judgement && {
        admitted: judgement.admitted,
        gates: judgement.results,
        gates_not_asked: judgement.notAsked,
      }),
    })),
    n: inspected.length,
    ...(verified && { admitted: inspected.filter(({ judgement }) => judgement!.admitted).length }),
  };
}

function print(inspected: readonly Inspected[], whole: boolean, terminal: Terminal): void {
  if (whole) {
    for (const [i, one] of inspected.entries()) {
      if (i > 0) terminal.out("");
      for (const line of wholeLines(one)) terminal.out(line);
    }
    return;
  }
  const verified = inspected.some(({ judgement }) => judgement);
  const columns = [
    "id",
    "archetype",
    "announced by",
    "ends in",
    "steps",
    ...(verified ? ["gates"] : []),
    "directive",
  ];
  const rows = inspected.map(({ scenario, judgement }) => [
    scenario.id,
    scenario.archetype,
    scenario.announcement.kind,
    scenario.expectedTerminal,
    String(scenario.referenceSolution.length),
    ...(verified
      ? [judgement?.admitted ? "pass" : (judgement?.results.find(({ passed }) => !passed)?.gate ?? "-")]
      : []),
    printable(scenario.directive ?? "-"),
  ]);
  for (const line of formatTable(
    columns.map((title) => ({ title })),
    rows,
    terminal.columns,
  ))
    terminal.out(line);
  for (const { scenario, judgement } of inspected)
    for (const { passed, gate, reason } of judgement?.results ?? [])
      if (!passed) terminal.out(`${scenario.id}: ${gate}: ${printable(reason)}`);
  for (const line of counts(inspected)) terminal.out(line);
}

function counts(inspected: readonly Inspected[]): string[] {
  const archetypes = new Map<string, { all: number; passing: number }>();
  for (const { scenario, judgement } of inspected) {
    const one = archetypes.get(scenario.archetype) ?? { all: 0, passing: 0 };
    one.all++;
    if (judgement?.admitted) one.passing++;
    archetypes.set(scenario.archetype, one);
  }
  const verified = inspected.some(({ judgement }) => judgement);
  const total = inspected.length;
  const passing = inspected.filter(({ judgement }) => judgement?.admitted).length;
  return [
    verified ? `${passing} of ${total} pass every gate` : `${total} scenarios`,
    ...[...archetypes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => `  ${name.padEnd(18)} ${verified ? `${one.passing}/${one.all}` : one.all}`),
  ];
}

function wholeLines({ scenario, judgement }: Inspected): string[] {
  const { id, archetype, user, host, proven, axes, announcement, env, dirs, fixtures, provider, directive } =
    scenario;
  const block = (title: string, text: string) => [`${title}:`, ...indent(text)];
  const files = fixtures.map(
    ({ path, mode, content }) => `${path}${mode ? ` (${mode})` : ""}, ${Buffer.byteLength(content)} bytes`,
  );
  return [
    `${id}  ${archetype}, ${user}@${host}, ends in ${scenario.expectedTerminal}${proven === false ? ", unproven" : ""}`,
    scenario.contentHash,
    `axes: ${
      Object.entries(axes)
        .map(([name, value]) => `${name} ${value}`)
        .join(", ") || "-"
    }`,
    ...block(`announcement (${announcement.kind})`, announcement.login),
    ...Object.entries(env).map(([name, value]) => `  $${name} = ${printable(value)}`),
    ...(dirs.length
      ? block("directories", dirs.map(({ path, mode }) => `${path}${mode ? ` (${mode})` : ""}`).join("\n"))
      : []),
    ...(files.length ? block("files", files.join("\n")) : []),
    ...block(`provider ${provider.path}`, provider.script),
    ...block("directive", directive ?? "(none: the provider hands out nothing)"),
    ...block("checker", scenario.checker),
    ...block("reference solution", scenario.referenceSolution.join("\n")),
    ...(judgement
      ? [
          "gates:",
          ...judgement.results.map(
            ({ gate, passed, reason }) => `  ${passed ? "pass" : "FAIL"}  ${gate}: ${printable(reason)}`,
          ),
        ]
      : []),
    ...(judgement && judgement.notAsked.length > 0 ? [`  not asked: ${judgement.notAsked.join(", ")}`] : []),
  ];
}

function indent(text: string): string[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `  ${printable(line.replaceAll("\t", "    "))}`);
}
