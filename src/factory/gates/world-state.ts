// What a world is in the end, path by path, told by the same run of root that gives the verdict.

import { type Verdict, WORLD_ROOTS } from "../../sandbox/contract.ts";
import { shellQuote } from "./shell-text.ts";

/** Everything below the roots: path to type, mode, owner, content or target. Times are left out. */
export interface WorldState {
  readonly entries: ReadonlyMap<string, string>;
  /** Of the whole; all there is when a world has more files than an output can hold. */
  readonly hash: string;
  readonly whole: boolean;
}

/** A verdict with the state that it was given for. */
export interface JudgedState {
  readonly passed: boolean;
  readonly status: number;
  readonly timedOut: boolean;
  readonly output: string;
  readonly state: WorldState;
}

const BEGIN = "=== state";

/** A checker that also tells the state. */
export function tellingChecker(checker: string): string {
  const roots = WORLD_ROOTS.join(" ");
  return [
    `said=$(sh -c ${shellQuote(checker)} 2>&1)`,
    "verdict=$?",
    `found=$( { find ${roots} -exec stat -c 'f %f %u %g %n' {} +; find ${roots} -type f -exec md5sum {} +; ` +
      `find ${roots} -type l -exec stat -c 'l %N' {} +; } 2>/dev/null | sort)`,
    `printf '%.2000s\\n${BEGIN} %s\\n%s\\n=== end\\n' "$said" "$(printf '%s' "$found" | md5sum)" "$found"`,
    "exit $verdict",
  ].join("\n");
}

/** Takes the output of a {@link tellingChecker} apart. */
export function readJudged(verdict: Verdict): JudgedState {
  const { passed, status, timedOut, output } = verdict;
  const at = output.lastIndexOf(`\n${BEGIN} `);
  const [head = "", ...lines] = at < 0 ? [] : output.slice(at + 1).split("\n");
  const whole = lines.includes("=== end") && !lines.some((line) => /left out/.test(line));
  const entries = new Map<string, string>();
  for (const line of lines) {
    const file = /^f (\S+ \S+ \S+) (.*)$/.exec(line);
    const sum = /^([0-9a-f]{32}) [ *](.*)$/.exec(line);
    const link = /^l (.*?) -> (.*)$/.exec(line);
    if (file) entries.set(`mode of ${file[2]}`, file[1]!);
    else if (sum) entries.set(`content of ${sum[2]}`, sum[1]!);
    else if (link) entries.set(`target of ${link[1]}`, link[2]!);
  }
  return {
    passed,
    status,
    timedOut,
    output: at < 0 ? output : output.slice(0, at),
    state: { entries, hash: head.split(" ")[2] ?? "", whole },
  };
}

/** What differs between two states, `except` left out: keys such as `content of /srv/x`. */
export function stateDifference(
  a: WorldState,
  b: WorldState,
  except: ReadonlySet<string> = new Set(),
): string[] {
  if (a.hash === b.hash && a.hash !== "") return [];
  if (!a.whole || !b.whole) return ["something"];
  const keys = new Set([...a.entries.keys(), ...b.entries.keys()]);
  return [...keys].filter((key) => !except.has(key) && a.entries.get(key) !== b.entries.get(key));
}
