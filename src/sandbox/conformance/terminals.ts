// How a session ends: `exit` and `panic` as the shell itself executed them, and nothing that only looks like it.

import type { Step } from "./check.ts";
import { type Check, inGroup } from "./check.ts";

const { steps } = inGroup("terminals");
const why = "section 3: exit is terminal only in the main shell";

/** Ends with the word and the status. */
const ends = (
  command: string,
  word: "exit" | "panic",
  status: number,
  output: string | RegExp = "",
): Step => [command, { output, status, terminal: { word, status } }];
/** Goes on, with the status. */
const goesOn = (command: string, status: number, output: string | RegExp = ""): Step => [
  command,
  { output, status },
];

export const terminals: readonly Check[] = [
  steps(
    "exit",
    "`exit` ends the session, with its status",
    why,
    ends("exit", "exit", 0),
    ends("exit 3", "exit", 3),
    ends("exit 300", "exit", 44),
  ),
  steps(
    "exit-status",
    "`exit` alone passes the status of the command before",
    why,
    ends("false; exit", "exit", 1),
    ["(exit 7)", { status: 7 }],
    ends("exit", "exit", 7),
  ),
  steps(
    "exit-nested",
    "`exit` in functions, conditions, loops, groups, eval and lists ends the session",
    why,
    ends("f() { exit 2; }; f; echo no", "exit", 2),
    ends("if true; then exit; fi", "exit", 0),
    ends("eval 'exit 4'; echo no", "exit", 4),
    ends("{ echo a; exit 5; }", "exit", 5, "a\n"),
    ends("for i in 1 2; do exit $i; done", "exit", 1),
    ends("true && exit; echo no", "exit", 0),
    ends("false || exit 6", "exit", 6),
    ends("echo bye; exit # done", "exit", 0, "bye\n"),
    ends("case x in x) exit 8;; esac", "exit", 8),
    ends("\texit  9 ", "exit", 9),
    ends("while :; do exit 10; done", "exit", 10),
    ends("! exit 11", "exit", 11),
  ),
  steps(
    "exit-elsewhere",
    "`exit` in a subshell, pipeline, substitution, child or the background does not",
    why,
    goesOn("(exit 3)", 3),
    goesOn("echo x | exit 4", 4),
    goesOn("x=$(exit 5)", 5),
    goesOn("sh -c 'exit 6'", 6),
    goesOn("exit 7 & wait $!", 7),
    goesOn("`exit 8`", 8),
    goesOn("(f() { exit 9; }; f)", 9),
    goesOn("exit 1 | cat", 0),
  ),
  steps(
    "exit-as-text",
    "`exit` as text does not",
    why,
    goesOn("echo exit", 0, "exit\n"),
    goesOn("# exit", 0),
    goesOn("cat <<END\nexit\nEND", 0, "exit\n"),
    goesOn("echo 'exit'; echo \"panic\"", 0, "exit\npanic\n"),
    goesOn("exits", 127, "/bin/sh: 1: exits: not found\n"),
    goesOn("false && exit", 1),
    goesOn("exit=1; echo $exit", 0, "1\n"),
    goesOn("if false; then exit; fi", 0),
    goesOn("f() { exit; }", 0),
  ),
  steps(
    "not-exit",
    "A shell that ends by `exec`, an error or a signal did not `exit`",
    "section 3: must be signalled by a nonce",
    ["exec true", { output: "", status: 0, stateLost: true }],
    ["exec sh -c 'exit 3'", { output: "", status: 3, stateLost: true }],
    ["kill -9 $$", { output: "", status: 137, stateLost: true }],
    goesOn(". ./nofile", 2, /nofile/),
    goesOn(": ${x:?}", 2, /x/),
    goesOn("(", 2, /Syntax error/),
  ),
  steps(
    "errexit",
    "A command that `set -e` ended did not `exit`",
    "section 3: the trap fires for set -e",
    goesOn("set -e; false", 1),
    goesOn("set +e", 0),
  ),
  steps(
    "panic",
    "`panic` ends the session, with any words behind it",
    "the second terminal",
    ends("panic", "panic", 1, /^$/),
    ends("panic the input is missing", "panic", 1, /^$/),
    ends("echo trouble; panic 'no way'", "panic", 1, "trouble\n"),
    ends("[ -e /nowhere ] || panic no file", "panic", 1),
    ends("f() { panic; }; f; echo no", "panic", 1),
    ends("eval panic", "panic", 1),
  ),
  steps(
    "panic-elsewhere",
    "`panic` in a subshell or as text does not",
    "the second terminal",
    goesOn("(panic); echo on", 0, "on\n"),
    goesOn("echo panic", 0, "panic\n"),
    goesOn("x=$(panic); echo on", 0, "on\n"),
    goesOn("panics", 127, "/bin/sh: 1: panics: not found\n"),
    goesOn("sh -c panic", 127, /panic/),
  ),
  steps(
    "unhooked",
    "Taking aliases and functions away does not take the terminals away",
    "an operator may tidy up",
    goesOn("unalias -a; unset -f panic; true", 0),
    ends("exit 3", "exit", 3),
    ends("panic", "panic", 1),
  ),
];
