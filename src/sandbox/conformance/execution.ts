// Running a command: output, status, errors, transport. After inspect_ai's self_check.py.

import { type Check, inGroup } from "./check.ts";
import { holds, same } from "./expectations.ts";
import { sampleHome, sampleUser } from "./sample-world.ts";

const { check, steps } = inGroup("execution");
const octal = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
const international = "café résumé €100 中文 😀";
const verbatim = "$HOME `id` 'single' \"double\" \\backslash * ! # ;\n\ttab $(id) ${x} 100% %s \\n\n";

export const execution: readonly Check[] = [
  steps("output", "Output arrives as it was written", "inspect_ai test_exec_output", [
    "echo foo; echo bar",
    "foo\nbar\n",
  ]),
  steps("output-without-newline", "A missing last newline stays missing", "inspect_ai test_exec_output", [
    "printf abc",
    "abc",
  ]),
  steps("stderr", "Standard error arrives too", "inspect_ai test_exec_stderr", [
    "echo boof; echo baz >&2",
    "boof\nbaz\n",
  ]),
  steps(
    "order",
    "Standard output and error arrive in the order they were written",
    "section 2: order differed between runs",
    [
      "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done",
      Array.from({ length: 9 }, (_, i) => `out ${i + 1}\nerr ${i + 1}\n`).join(""),
    ],
  ),
  steps("output-utf8", "UTF-8 that a program writes arrives as text", "inspect_ai test_exec_output_utf", [
    `printf '${octal(international)}'`,
    international,
  ]),
  steps("stderr-utf8", "The same on standard error", "inspect_ai test_exec_stderr_utf", [
    `printf '${octal(international)}' >&2`,
    international,
  ]),
  steps("command-utf8", "UTF-8 in a command reaches the shell", "inspect_ai test_write_file_text_utf", [
    `printf %s '${international}' | wc -c`,
    `${new TextEncoder().encode(international).length}\n`,
  ]),
  steps(
    "status",
    "The status of a command is told",
    "inspect_ai test_exec_returncode",
    ["echo foo; (exit 70)", { output: "foo\n", status: 70 }],
    ["false", { output: "", status: 1 }],
    ["true", ""],
  ),
  steps(
    "not-found",
    "An unknown program reads as in a plain shell",
    "section 2: a missing binary is not a missing world",
    ["nope", { output: "/bin/sh: 1: nope: not found\n", status: 127 }],
    ["echo a\n\nnope x", { output: "a\n/bin/sh: 3: nope: not found\n", status: 127 }],
  ),
  steps(
    "permission-error",
    "What may not be executed is refused by the shell",
    "inspect_ai test_exec_permission_error",
    ["/etc/passwd", { output: "/bin/sh: 1: /etc/passwd: Permission denied\n", status: 126 }],
    ["/srv/box", { output: /Permission denied/, status: 126 }],
  ),
  steps("environment", "Variables of the world reach a command", "inspect_ai test_exec_env_vars", [
    'printf \'%s|\' "$PROJECT" "$ODD" "$LINES_OF_TEXT"',
    "blue|a b'c\"d$e`f\\g*|two\nlines|",
  ]),
  steps(
    "stdin",
    "Standard input is empty, and a command that reads it does not wait",
    "inspect_ai test_exec_input_text; bigcode block_on_inputs",
    ["cat | wc -c", "0\n"],
    ["read x; echo $?", "1\n"],
    ["wc -c </dev/stdin", "0\n"],
    ["cat; echo after", "after\n"],
  ),
  steps("here-document", "A here-document is standard input", "inspect_ai test_exec_input_text", [
    "cat <<'END'\nhello\nworld\nEND",
    "hello\nworld\n",
  ]),
  steps(
    "special-characters",
    "No character of a command is expanded twice",
    "inspect_ai test_exec_input_shell_special",
    [`cat <<'END_OF_IT'\n${verbatim}END_OF_IT`, verbatim],
  ),
  steps("binary-input", "Bytes that are no text reach a program", "inspect_ai test_exec_input_binary", [
    "printf '\\303\\050\\000\\377\\001\\002bytes' | od -An -tx1 | tr -d ' \\n'",
    "c32800ff01026279746573",
  ]),
  steps("large-input", "50 MiB pass through a pipe", "inspect_ai test_exec_input_large", [
    "head -c 52428800 /dev/zero | wc -c",
    "52428800\n",
  ]),
  check(
    "large-command",
    "A command of 1 MiB is run",
    "inspect_ai test_exec_large_command; E2BIG above 131,071 bytes",
    async (stage) => {
      const sandbox = await stage.shared();
      const chunk = "x".repeat(64 * 1024);
      const many = await stage.run(sandbox, `printf %s ${Array(16).fill(chunk).join(" ")} | wc -c`);
      same("16 words of 64 KiB", [many.output, many.status], [`${2 ** 20}\n`, 0]);
      const one = await stage.run(sandbox, `printf %s '${"é".repeat(2 ** 19)}' | wc -c`);
      same("one word of 1 MiB", [one.output, one.status], [`${2 ** 20}\n`, 0]);
      const failing = await stage.run(sandbox, `: ${chunk} ${chunk} ${chunk}\n(exit 9)`);
      same("the status of a long command", failing.status, 9);
    },
  ),
  steps(
    "large-argument",
    "One argument of a program is limited by the kernel, which the shell says",
    "measured: E2BIG",
    [
      "x=$(head -c 200000 /dev/zero | tr '\\0' a); env printf %s \"$x\" >/dev/null",
      { output: "/bin/sh: 1: env: Argument list too long\n", status: 126 },
    ],
  ),
  steps("nul", "A NUL in a command is dropped", "section 3: NULs", ["printf a\0b", "ab"]),
  steps("user", "Commands run as the operator, the checker as root", "inspect_ai test_exec_as_user", [
    "whoami; id -u; id -g; id -G",
    `${sampleUser}\n1000\n1000\n1000\n`,
  ]),
  steps(
    "unknown-user",
    "A user who does not exist is named in the error",
    "inspect_ai test_exec_as_nonexistent_user",
    ["id nonexistent", { output: /nonexistent/, status: 1 }],
  ),
  steps("directory", "A session starts at home", "inspect_ai test_cwd_unspecified", [
    "pwd; ls note.txt",
    `${sampleHome}\nnote.txt\n`,
  ]),
  steps("directory-elsewhere", "A command may run elsewhere", "inspect_ai test_cwd_custom", [
    "(cd /bin && ls env)",
    "env\n",
  ]),
  steps(
    "directory-relative",
    "A relative directory is below the current one",
    "inspect_ai test_cwd_relative",
    ["mkdir -p r1/r2 && echo x >r1/r2/f && (cd r1/r2 && ls) && rm -r r1", "f\n"],
  ),
  steps("directory-absolute", "An absolute directory is meant as it is", "inspect_ai test_cwd_absolute", [
    "cd /var && mkdir abs && echo x >/var/abs/f && (cd /var/abs && ls) && rm -r abs; cd",
    "f\n",
  ]),
  steps(
    "no-directory",
    "A directory that is missing is an error of the command",
    "section 2: missing cwd is rc 126",
    ["cd /srv/nowhere", { output: "/bin/sh: 1: cd: can't cd to /srv/nowhere\n", status: 2 }],
  ),
  steps(
    "empty",
    "A command of nothing does nothing",
    "parity with a shell",
    ["", ""],
    ["   \n\n", ""],
    ["# only a comment", ""],
  ),
  check("duration", "The time of a command is told", "contract", async (stage) => {
    const { durationMs } = await stage.run(await stage.shared(), "sleep 0.3");
    holds(
      "milliseconds of `sleep 0.3`",
      durationMs,
      "between 300 and 5000",
      durationMs >= 300 && durationMs < 5000,
    );
  }),
];
