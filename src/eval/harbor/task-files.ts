// A scenario as a Harbor task folder (task.toml schema 1.1, harborframework.com/docs/tasks): what each file says.

import type { Scenario } from "../../data/scenario.ts";
import { serialiseScenario } from "../../data/scenario-json.ts";
import { FIXTURE_MTIME, OPERATOR_UID, WORLD_ROOTS } from "../../sandbox/contract.ts";

/** The bundle itself, beside the tests, which an agent never sees. */
export const bundleName = "tests/scenario.json";

/** One file of a task. */
export interface TaskFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

/** All files of the task; the same scenario gives the same bytes. */
export function taskFiles(scenario: Scenario): TaskFile[] {
  const text = (path: string, content: string) => ({ path, content, mode: 0o644 });
  const script = (path: string, lines: readonly string[]) => ({
    path,
    content: `${["#!/bin/sh", ...lines].join("\n")}\n`,
    mode: 0o755,
  });
  const home = `/home/${scenario.user}`;
  return [
    text("task.toml", taskToml(scenario)),
    text("instruction.md", `${scenario.system}\n\n${scenario.announcement.login.trimEnd()}\n`),
    text("environment/Dockerfile", dockerfile(scenario, home)),
    script("environment/layout.sh", layoutLines(scenario, home)),
    ...worldFiles(scenario).map(({ path, content }) => text(`environment/world${path}`, content)),
    script("tests/test.sh", [
      "# The verdict is the checker's status, in a clean environment.",
      "mkdir -p /logs/verifier",
      "cd /",
      `if env -i PATH=/bin LC_ALL=C.UTF-8 SEK_HOME=${home} /bin/sh /tests/checker.sh; then reward=1; else reward=0; fi`,
      "echo $reward > /logs/verifier/reward.txt",
    ]),
    text("tests/checker.sh", `${scenario.checker}\n`),
    text(bundleName, serialiseScenario(scenario)),
    script("solution/solve.sh", [`cd ${home}`, ...work(scenario)]),
  ];
}

/** The reference without its last word: Harbor's agents end by themselves. */
function work({ referenceSolution }: Scenario): string[] {
  return referenceSolution.filter(
    (command, i) => i < referenceSolution.length - 1 || !/^(exit|panic)\b/.test(command),
  );
}

function worldFiles({ fixtures, provider, announcement }: Scenario) {
  const motd = announcement.kind === "motd" && !fixtures.some(({ path }) => path === "/etc/motd");
  return [
    ...(motd ? [{ path: "/etc/motd", content: announcement.login, mode: "0644" }] : []),
    ...fixtures.map(({ path, content, mode }) => ({ path, content, mode: mode ?? "0644" })),
    { path: provider.path, content: provider.script, mode: "0755" },
  ];
}

function taskToml({ id, archetype, user, expectedTerminal, contentHash }: Scenario): string {
  const quoted = (value: string) => JSON.stringify(value);
  return `schema_version = "1.1"

[task]
name = ${quoted(`sekft/${id}`)}
description = ${quoted(`A self-directed shell session: ${archetype}`)}
keywords = [${quoted(archetype)}, "shell"]

[metadata]
category = "shell"
archetype = ${quoted(archetype)}
expected_terminal = ${quoted(expectedTerminal)}
content_hash = ${quoted(contentHash)}

[verifier]
timeout_sec = 60.0
user = "root"

[agent]
timeout_sec = 600.0
user = ${quoted(user)}

[environment]
build_timeout_sec = 600.0
cpus = 1
memory_mb = 512
storage_mb = 1024
allow_internet = false
`;
}

function dockerfile({ user, env }: Scenario, home: string): string {
  const variables = { USER: user, LOGNAME: user, HOME: home, ...env };
  return `FROM alpine:3.22
RUN apk add --no-cache dash && ln -sf /usr/bin/dash /bin/sh && adduser -D -u ${OPERATOR_UID} ${user}
COPY world/ /
COPY layout.sh /layout.sh
RUN /bin/sh /layout.sh && rm /layout.sh
${Object.entries(variables)
  .map(([name, value]) => `ENV ${name}=${dockerQuoted(value)}`)
  .join("\n")}
WORKDIR ${home}
`;
}

function layoutLines(scenario: Scenario, home: string): string[] {
  const { dirs, provider } = scenario;
  const files = worldFiles(scenario);
  return [
    "set -e",
    `mkdir -p ${[home, ...dirs.map(({ path }) => path)].map(quoted).join(" ")}`,
    ...files.map(({ path, mode }) => `chmod ${mode} ${quoted(path)}`),
    `chown -R ${OPERATOR_UID}:${OPERATOR_UID} ${[home, ...topsOf(scenario)].map(quoted).join(" ")}`,
    `chown 0:0 ${quoted(provider.path)}`,
    ...files.map(({ path }) => `touch -d @${FIXTURE_MTIME} ${quoted(path)}`),
    ...dirs.flatMap(({ path, mode }) => (mode === undefined ? [] : [`chmod ${mode} ${quoted(path)}`])),
  ];
}

/** What the world has below its roots, as far up as it is the world's own. */
function topsOf(scenario: Scenario): string[] {
  const paths = [...scenario.dirs.map(({ path }) => path), ...worldFiles(scenario).map(({ path }) => path)];
  const tops = paths.map((path) => {
    const root = WORLD_ROOTS.find((one) => path.startsWith(`${one}/`));
    if (root === undefined) return path;
    return `${root}/${path.slice(root.length + 1).split("/")[0]}`;
  });
  return [...new Set(tops)].sort();
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

function dockerQuoted(value: string): string {
  return `"${value.replace(/[\\"$]/g, (c) => `\\${c}`).replaceAll("\n", "\\n")}"`;
}
