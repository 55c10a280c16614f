// How a checker runs and what counts as its word: its own status, told beside a nonce by the shell around it.

import type { World } from "../contract.ts";

/** What to run, as root, with `/` as directory, over the frozen files of a world. */
export interface CheckerStart {
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The nonce, a newline, the checker's text. */
  readonly stdin: Uint8Array;
}

/** Nonce and text come by stdin, so that no argument limit holds for the text and nothing that the checker runs finds the nonce in
 *  an argument; the checker runs in a shell of its own, without input, both streams as one, and the outer shell says how it ended. */
export function checkerStart(world: World, checker: string, nonce: string): CheckerStart {
  const text = checker.replaceAll("\0", "");
  const inner = Buffer.byteLength(text) <= 100_000 ? 'sh -c "$c"' : '( eval "$c" )';
  return {
    argv: [
      "/bin/sh",
      "-c",
      `read -r n; c=$(cat; echo .); c=\${c%.}; ${inner} 2>&1 </dev/null; printf '%s %d\\n' "$n" $? >&2`,
    ],
    env: { PATH: "/bin", LC_ALL: "C.UTF-8", SEK_HOME: `/home/${world.user}` },
    stdin: Buffer.from(`${nonce}\n${text}`),
  };
}

/** The status that the outer shell told on its stderr; null when it told none, or more than that. */
export function checkerStatus(stderr: string, nonce: string): number | null {
  const told = /^([0-9a-f]+) (\d{1,3})\n$/.exec(stderr);
  return told && told[1] === nonce ? Number(told[2]) : null;
}
