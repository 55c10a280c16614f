// A session whose endings have other names: the new words do what `exit` and `panic` do, and these are no commands any more.

import type { Check, Step } from "./check.ts";
import { inGroup } from "./check.ts";

const words = { exit: "leave", panic: "stuck" };
const { renamed } = inGroup("renamed-terminals");
const why = "the terminal token renamed in data, sandbox and eval alike";

const ends = (
  command: string,
  word: "exit" | "panic",
  status: number,
  output: string | RegExp = "",
): Step => [command, { output, status, terminal: { word, status } }];
const goesOn = (command: string, status: number, output: string | RegExp = ""): Step => [
  command,
  { output, status },
];
const absent = (word: string, line = 1) => `/bin/sh: ${line}: ${word}: not found\n`;

export const renamedTerminals: readonly Check[] = [
  renamed(
    words,
    "ends",
    "The new words end the session, wherever the session's own shell runs them",
    why,
    ends("leave", "exit", 0),
    ends("leave 3", "exit", 3),
    ends("leave 300", "exit", 44),
    ends("false; leave", "exit", 1),
    goesOn("(exit 7); sh -c 'exit 7'", 7, absent("exit")),
    ends("leave", "exit", 7),
    ends("f() { leave 2; }; f; echo no", "exit", 2),
    ends("eval 'leave 4'; echo no", "exit", 4),
    ends("if true; then leave; fi", "exit", 0),
    ends("{ echo a; leave 5; }", "exit", 5, "a\n"),
    ends("true && leave; echo no", "exit", 0),
    ends("echo bye; leave # done", "exit", 0, "bye\n"),
    ends("stuck", "panic", 1),
    ends("stuck the input is missing", "panic", 1),
    ends("[ -e /nowhere ] || stuck no file", "panic", 1),
    ends("eval stuck", "panic", 1),
  ),
  renamed(
    words,
    "elsewhere",
    "The new words end nothing in a subshell, a pipe, a substitution or as text",
    why,
    goesOn("(leave 3)", 3),
    goesOn("echo x | leave 4", 4),
    goesOn("x=$(leave 5)", 5),
    goesOn("leave 7 & wait $!", 7),
    goesOn("echo leave; echo 'stuck'", 0, "leave\nstuck\n"),
    goesOn("(stuck); echo on", 0, "on\n"),
    goesOn("leaves", 127, absent("leaves")),
    goesOn("sh -c leave", 127, /leave/),
  ),
  renamed(
    words,
    "old-words",
    "`exit` and `panic` answer as any program that is not there",
    why,
    goesOn("exit", 127, absent("exit")),
    goesOn("exit 3", 127, absent("exit")),
    goesOn("panic", 127, absent("panic")),
    goesOn("panic no way", 127, absent("panic")),
    goesOn("echo a\nexit", 127, `a\n${absent("exit", 2)}`),
    goesOn("exit || echo on", 0, `${absent("exit")}on\n`),
    goesOn("f() { exit; }; f; echo $?", 0, `${absent("exit")}127\n`),
    goesOn("eval 'exit 4'; echo $?", 0, "/bin/sh: 1: eval: exit: not found\n127\n"),
    goesOn("exit 2>/dev/null; echo $?", 0, "127\n"),
    goesOn("echo exit; echo 'panic'; exit=1; echo $exit", 0, "exit\npanic\n1\n"),
    ends("exit; leave", "exit", 127, absent("exit")),
  ),
  renamed(
    words,
    "programs",
    "Programs and scripts still exit",
    "only the session's own shell has other words",
    goesOn("sh -c 'exit 6'", 6),
    goesOn("printf 'exit 5\\n' >s.sh; sh s.sh", 5),
    goesOn("echo a | awk '{ print; exit }'", 0, "a\n"),
  ),
  renamed(
    words,
    "traces",
    "Nothing shows how the words were changed",
    "section 3: scaffold leaks into training data",
    goesOn("alias", 0, ""),
    goesOn("type leave; command -v leave", 0, "leave is a special shell builtin\nleave\n"),
    goesOn("type exit >/dev/null; alias | wc -l", 0, /^\d+\n$/),
    goesOn("set -x; echo a; set +x", 0, "+ echo a\na\n+ set +x\n"),
    goesOn("set -x; exit 3", 127, `+ exit 3\n${absent("exit")}`),
    goesOn("set +x", 0, "+ set +x\n"),
    goesOn("exit 2>log; cat log", 0, absent("exit")),
    goesOn("exit 2>&1 | od -c | grep -c x", 0, /^\d+\n$/),
  ),
  renamed(
    words,
    "unhooked",
    "Taking aliases and functions away does not take the words away",
    "an operator may tidy up",
    goesOn("unalias -a; unset -f stuck; true", 0),
    goesOn("exit", 127, absent("exit")),
    ends("leave 3", "exit", 3),
    ends("stuck", "panic", 1),
  ),
];
