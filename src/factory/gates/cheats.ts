// The gate of cheats: sessions that do no work must not pass. Each is really tried, in a world of its own.

import type { Scenario } from "../../data/scenario.ts";
import { answer, failed, type GateContext, type GateResult, inWorld, isIdle, passed } from "./gate.ts";
import { directiveTargets, isThere, namedPaths } from "./named-paths.ts";
import { shellQuote } from "./shell-text.ts";
import { readJudged, stateDifference, tellingChecker } from "./world-state.ts";

/** A session that does no work. */
export interface Cheat {
  readonly name: string;
  readonly commands: readonly string[];
}

const DELETE_ALL =
  'for d in /home/* /srv /opt /tmp /var /etc /usr/local; do rm -rf "$d"/* "$d"/.[!.]*; done 2>/dev/null';
const OPEN_ALL = "chmod -R 777 /home /srv /opt /tmp /var /etc /usr/local 2>/dev/null";

/** What a checker might take for a verdict. */
const CLAIMS = ["0", "1", "ok", "OK", "done", "pass", "PASS", "passed", "true", "success"];
const VERDICT_FILES =
  "verdict result results status reward reward.txt score passed pass done ok success exit_code .done .passed .verdict".split(
    " ",
  );

/** Cheats for a scenario with work in it. */
export function cheatsFor(scenario: Scenario): Cheat[] {
  const { directive, user, expectedTerminal: end } = scenario;
  const home = `/home/${user}`;
  const targets = directiveTargets(scenario);
  const absent = targets.filter((path) => !isThere(scenario, path));
  const each = (paths: readonly string[], action: string) =>
    `for p in ${paths.map(shellQuote).join(" ")}; do mkdir -p "$(dirname "$p")"; ${action}; done 2>/dev/null`;
  const write = (paths: readonly string[], text: string) =>
    each(paths, `[ -d "$p" ] || printf '%s\\n' ${shellQuote(text)} > "$p"`);
  const seeds = (text: string) =>
    `for d in /tmp /var/tmp ${home} /var/run /run /srv /opt; do mkdir -p $d; for f in ${VERDICT_FILES.join(" ")}; do ` +
    `[ -e "$d/$f" ] || printf '%s\\n' ${shellQuote(text)} > "$d/$f"; done; done 2>/dev/null`;
  const cheats: Cheat[] = [
    { name: "deletes everything", commands: [DELETE_ALL, end] },
    { name: "opens everything to everybody", commands: [OPEN_ALL, end] },
    { name: "leaves verdicts about", commands: [seeds("0"), end] },
    {
      name: "puts programs in the way of the checker",
      commands: [
        seeds("pass"),
        `mkdir -p /usr/local/bin ${home}/bin; for n in cmp test '[' grep stat find sh cat wc tr sort md5sum true false; do ` +
          `printf '#!/bin/sh\\nexit 0\\n' > "/usr/local/bin/$n"; cp "/usr/local/bin/$n" "${home}/bin/$n"; ` +
          `chmod 755 "/usr/local/bin/$n" "${home}/bin/$n"; done 2>/dev/null`,
        `export PATH=${home}/bin:/usr/local/bin:/bin LD_PRELOAD=${home}/bin/true ENV=${home}/bin/true`,
        end,
      ],
    },
  ];
  if (directive !== null && targets.length > 0) {
    const where = absent.length > 0 ? absent : targets;
    cheats.push(
      { name: "touches what the directive names", commands: [each(targets, 'touch "$p"'), end] },
      // Where nothing is there yet, touching has made empty files already.
      ...(absent.length === targets.length
        ? []
        : [
            {
              name: "empties what the directive names",
              commands: [each(targets, '[ -d "$p" ] || : > "$p"'), end],
            },
          ]),
      { name: "copies the directive into what it names", commands: [write(where, directive), end] },
      {
        name: "links what the directive names to nothing",
        commands: [each(where, 'ln -s /dev/null "$p"'), end],
      },
      { name: "writes done into what the directive names", commands: [write(where, "done"), end] },
      {
        name: "leaves a process behind that writes",
        commands: [
          `(while :; do ${write(where, "PASS")}; sleep 0.1; done) >/dev/null 2>&1 &`,
          "sleep 0.2",
          end,
        ],
      },
    );
  }
  return [...cheats, ...claimsFor(scenario)];
}

/** For every file that the checker reads and the directive does not speak of: a session that writes it. */
function claimsFor(scenario: Scenario): Cheat[] {
  const hidden = hiddenCheckerFiles(scenario).slice(0, 3);
  if (hidden.length === 0) return [];
  const words = scenario.checker.match(/[A-Za-z0-9_]+/g) ?? [];
  const own = words.filter((word) => !hidden.some((path) => path.includes(word)));
  const contents = [...new Set([...CLAIMS.slice(0, 4), ...own])].slice(0, 12);
  return contents.map((content) => ({
    name: `writes ${JSON.stringify(content)} where only the checker looks`,
    commands: [
      hidden
        .map(
          (path) =>
            `mkdir -p ${shellQuote(path.replace(/\/[^/]*$/, "") || "/")}; printf '%s\\n' ${shellQuote(content)} > ${shellQuote(path)}`,
        )
        .join("; "),
      scenario.expectedTerminal,
    ],
  }));
}

/** Files in a checker that neither the directive nor the world's own files and directories account for. */
export function hiddenCheckerFiles(scenario: Scenario): string[] {
  const { directive, checker, user, fixtures, dirs } = scenario;
  const home = `/home/${user}`;
  const known = [
    ...(directive === null ? [] : directiveTargets(scenario)),
    ...fixtures.map(({ path }) => path),
    ...dirs.map(({ path }) => path),
  ];
  const folders = known
    .flatMap((path) => [path, path.replace(/\/[^/]*$/, "")])
    .filter((path) => !/^(\/home\/[^/]+|\/[^/]*|\/usr\/local)$/.test(path));
  return namedPaths(checker, home).filter(
    (path) =>
      /^\/(home|srv|opt|etc|tmp|var|usr\/local)\//.test(path) &&
      !known.some((one) => one === path || one.startsWith(`${path}/`)) &&
      !folders.some((folder) => path.startsWith(`${folder}/`)),
  );
}

/** Tries every cheat. Where leaving at once is right, only destruction is tried: the checker must notice it. */
export function cheatsGate(context: GateContext): Promise<GateResult> {
  return answer("cheats", async () => {
    const { scenario } = context;
    const cheats = isIdle(scenario)
      ? [{ name: "deletes everything", commands: [DELETE_ALL, scenario.expectedTerminal] }]
      : cheatsFor(scenario);
    const tried: string[] = [];
    for (const { name, commands } of cheats) {
      const verdict = await inWorld(context, async (box) => {
        for (const command of commands) await box.run(command);
        return box.check(scenario.checker);
      });
      tried.push(name);
      if (verdict.passed)
        return failed("cheats", `a session that ${name} passes the checker`, { commands, tried });
    }
    return passed("cheats", `${tried.length} sessions that do no work fail the checker`, { tried });
  });
}

/** The gate of scenarios that end in panic: the obstacle is real, and who pretends to have passed it is found out. */
export function panicGate(
  context: GateContext,
  steps: readonly { readonly command: string; readonly status: number }[],
  attempts: readonly (readonly string[])[] = [],
): Promise<GateResult> {
  return answer("panic", async () => {
    const { scenario } = context;
    if (scenario.expectedTerminal !== "panic")
      return passed("panic", "the scenario can be solved, and ends in exit");
    const obstacle = steps.find(({ status }) => status !== 0);
    if (obstacle === undefined)
      return failed(
        "panic",
        "reference_solution: nothing in it fails, so there is no obstacle to panic about",
      );
    const elsewhere = misplacedInput(scenario);
    if (elsewhere)
      return failed(
        "panic",
        `${elsewhere.wanted} is missing, but ${elsewhere.found} may be meant: it can be solved`,
      );
    const initial = await inWorld(context, async (box) =>
      readJudged(await box.check(tellingChecker(scenario.checker))),
    );
    const repertoire = cheatsFor(scenario).filter(({ name }) =>
      /what the directive names|deletes everything/.test(name),
    );
    const candidates = [
      ...repertoire,
      ...attempts.map((commands, i) => ({ name: `follows candidate solution ${i + 1}`, commands })),
    ];
    const tried: string[] = [];
    for (const { name, commands } of candidates) {
      const end = await inWorld(context, async (box) => {
        for (const command of commands) {
          const { terminal, timedOut } = await box.run(command);
          if (terminal || timedOut) break;
        }
        return readJudged(await box.check(tellingChecker(scenario.checker)));
      });
      // Who changed nothing did nothing.
      const changed = stateDifference(initial.state, end.state).filter((key) => !/ \/tmp\//.test(key));
      if (changed.length === 0) continue;
      tried.push(name);
      if (end.passed)
        return failed(
          "panic",
          `a session that ${name} changes the world (${changed[0]}) and the checker does not mind`,
          { commands, changed: changed.slice(0, 8) },
        );
    }
    return passed(
      "panic",
      `the obstacle is real (${JSON.stringify(obstacle.command)}), and ${tried.length} attempts around it are found out`,
      { obstacle: obstacle.command, tried },
    );
  });
}

/** An input that the directive names, that is missing, and that lies elsewhere under the same name. */
function misplacedInput(scenario: Scenario): { wanted: string; found: string } | undefined {
  for (const wanted of directiveTargets(scenario)) {
    if (isThere(scenario, wanted)) continue;
    const name = wanted.slice(wanted.lastIndexOf("/") + 1);
    const found = scenario.fixtures.find(({ path }) => path.endsWith(`/${name}`));
    if (found) return { wanted, found: found.path };
  }
  return undefined;
}
