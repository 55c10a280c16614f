// How a checker runs and what counts as its word: its own status, told beside a nonce by the shell around it.

import type { World } from "../contract.ts";

/** What to run, as root, with `/` as directory, over the frozen files of a world. */
export interface CheckerStart {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The checker's text. */
  readonly stdin: Uint8Array;
}

/** The checker's text comes by stdin, so that no argument limit holds for it; it runs in a shell of its own, without input, both
 *  streams as one, and only the outer shell, which it cannot reach, says how it ended. */
export function checkerStart(world: World, checker: string, nonce: string): CheckerStart {
  const outer = `c=$(cat; echo .); c=\${c%.}; sh -c "$c" 2>&1 </dev/null; printf '%s %d\\n' ${nonce} $? >&2`;
  const large = `c=$(cat; echo .); c=\${c%.}; ( eval "$c" ) 2>&1 </dev/null; printf '%s %d\\n' ${nonce} $? >&2`;
  return {
    argv: ["/bin/sh", "-c", Buffer.byteLength(checker) <= 100_000 ? outer : large],
    env: { PATH: "/bin", LC_ALL: "C.UTF-8", SEK_HOME: `/home/${world.user}` },
    stdin: Buffer.from(checker.replaceAll("\0", "")),
  };
}

/** The status that the outer shell told on its stderr; null when it told none, or more than that. */
export function checkerStatus(stderr: string, nonce: string): number | null {
  const told = /^([0-9a-f]+) (\d{1,3})\n$/.exec(stderr);
  return told && told[1] === nonce ? Number(told[2]) : null;
}
