// Every way in which dash was seen to trip a harness, tried in a real world. Expected texts are those of a plain `sh -c`, or of the
// dash manual where a session differs.

import { expect } from "bun:test";
import type { CommandResult } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { ALONE, hasBubblewrap, inWorld } from "./bubblewrap-machine.ts";

const test = need("bubblewrap", hasBubblewrap);

type Told = { output?: string; status?: number; lost?: true; terminal?: string };
type Step = readonly [command: string, output: string, more?: Told];

function told(result: CommandResult): string {
  const terminal = result.terminal ? `, ${result.terminal.word} ${result.terminal.status}` : "";
  return `${JSON.stringify(result.output)} ${result.status}${result.stateLost ? ", lost" : ""}${terminal}`;
}

function session(name: string, ...steps: Step[]): void {
  test(name, () =>
    inWorld(async (sandbox) => {
      for (const [command, output, more = {}] of steps) {
        const terminal = more.terminal ? `, ${more.terminal}` : "";
        const expected = `${JSON.stringify(output)} ${more.status ?? 0}${more.lost ? ", lost" : ""}${terminal}`;
        expect(`${command}\n${told(await sandbox.run(command))}`).toBe(`${command}\n${expected}`);
      }
    }),
  );
}

session(
  "text that swallows what follows it swallows nothing of the harness",
  ["cat <<EOF\nhello", "hello"],
  ["echo a \\", "a \\\n"],
  ["echo a # b", "a\n"],
  ["if true", '/bin/sh: 1: Syntax error: end of file unexpected (expecting "then")\n', { status: 2 }],
  ["echo 'x", "/bin/sh: 1: Syntax error: Unterminated quoted string\n", { status: 2 }],
  ["echo )", '/bin/sh: 1: Syntax error: ")" unexpected\n', { status: 2 }],
  ["nope", "/bin/sh: 1: nope: not found\n", { status: 127 }],
  ["true\ntrue\nnope", "/bin/sh: 3: nope: not found\n", { status: 127 }],
);

session(
  "a shell that goes without a word leaves the state before it",
  ["cd /srv; export A=1", ""],
  ["cd /etc; A=2; exec true", "", { lost: true }],
  ["pwd; echo $A", "/srv\n1\n"],
  ["cd /etc; kill -9 $$", "", { status: 137, lost: true }],
  ["kill $$", "", { status: 143, lost: true }],
  ["echo $?", "143\n"],
  ["sleep 60 & exec true", "", { lost: true }],
  ["trap 'echo bye' EXIT; echo hi", "hi\nbye\n", { lost: true }],
  ["trap 'echo int' INT; kill -INT $$; echo after", "int\nafter\n"],
  ["exec 6>&-; echo x", "x\n", { lost: true }],
  ["exec nosuch", "/bin/sh: 1: exec: nosuch: not found\n", { status: 127 }],
  ["pwd", "/srv\n"],
);

session(
  "options stay, and none shows or breaks the harness",
  ["set -e; false; echo no", "", { status: 1 }],
  ["echo $-; false; echo no", "e\n", { status: 1 }],
  ["echo $?; set +e; echo $-.", "1\n.\n"],
  ["set -u; echo $NOPE; echo no", "/bin/sh: 1: NOPE: parameter not set\n", { status: 2 }],
  ["set +u", ""],
  ["set -x; echo a", "+ echo a\na\n"],
  ["echo b; exit", "+ echo b\nb\n+ exit\n", { terminal: "exit 0" }],
  ["set +x; set -v; echo v", "+ set +x\nv\n"],
  ["echo w", "w\n"],
  ["set +v -f; echo *", "*\n"],
  [
    "echo *; set +f -C; echo x >notes.txt",
    "*\n/bin/sh: 1: cannot create notes.txt: File exists\n",
    { status: 2 },
  ],
  ["set +C; umask 077", ""],
  ["umask", "0077\n"],
);

session(
  "only the words themselves end a session",
  ["(exit 3)", "", { status: 3 }],
  ["echo $?", "3\n"],
  ["echo | exit 4", "", { status: 4 }],
  ["x=$(exit 5); echo $?", "5\n"],
  ["(panic)", "", { status: 1 }],
  ["echo exit; : exit panic", "exit\n"],
  [". /nofile", "/bin/sh: 1: .: cannot open /nofile: No such file\n", { status: 2 }],
  ["export 1x=3", "/bin/sh: 1: export: 1x: bad variable name\n", { status: 2 }],
  ["shift 3", "/bin/sh: 1: shift: can't shift that many\n", { status: 2 }],
  ["readonly A=1; A=2", "/bin/sh: 1: A: is read only\n", { status: 2 }],
  ["set -o pipefail", "/bin/sh: 1: set: Illegal option -o pipefail\n", { status: 2 }],
  ["echo ${x:?gone}", "/bin/sh: 1: x: gone\n", { status: 2 }],
  ["sh -c exit", ""],
  ["exit", "", { terminal: "exit 0" }],
  ["f() { exit 6; }; f", "", { status: 6, terminal: "exit 6" }],
  ["eval 'if true; then exit; fi'", "", { terminal: "exit 0" }],
  ["false || exit 300", "", { status: 44, terminal: "exit 44" }],
  ["panic", "", { status: 1, terminal: "panic 1" }],
  ["echo x && panic it's 'no use'", "/bin/sh: 1: Syntax error: Unterminated quoted string\n", { status: 2 }],
  ["panic no way 'to do it'", "", { status: 1, terminal: "panic 1" }],
);

session(
  "directories that are gone, linked or oddly named are kept as a shell has them",
  ["mkdir /tmp/gone; cd /tmp/gone; rmdir /tmp/gone", ""],
  ["pwd; touch q; cd ..; pwd", "/tmp/gone\ntouch: q: No such file or directory\n/tmp\n"],
  ["mkdir '/tmp/a\nb' \"$(printf '/tmp/\\377')\"; cd '/tmp/a\nb'", ""],
  ["pwd", "/tmp/a\nb\n"],
  ["cd \"$(printf '/tmp/\\377')\"", ""],
  ["pwd | od -An -tx1", " 2f 74 6d 70 2f ff 0a\n"],
  ["ln -s /srv/real /tmp/link; cd /tmp/link", ""],
  ["pwd; pwd -P; cd ..; pwd; cd - ", "/tmp/link\n/srv/real\n/tmp\n/tmp/link\n"],
  ["cd /srv/closed", "/bin/sh: 1: cd: can't cd to /srv/closed\n", { status: 2 }],
);

session(
  "a poisoned environment reaches neither harness nor checker, and stays poisoned",
  ["export PATH=/nowhere IFS=/ LD_PRELOAD=/x.so ENV=/tmp/evil BASH_ENV=/tmp/evil", ""],
  ["ls; x=a/b; echo $x; echo $LD_PRELOAD; cd /srv", "/bin/sh: 1: ls: not found\na b\n x.so\n", { status: 0 }],
  ["pwd", "/srv\n"],
  ["exit", "", { terminal: "exit 0" }],
);

session(
  "functions and aliases named like the harness' own words change nothing",
  ["pwd() { echo f; }; printf() { echo f; }; kill() { :; }; umask() { :; }; alias() { :; }; cd /srv", ""],
  ["pwd; printf 'p\\n'", "/srv\np\n"],
  [
    "alias pwd='echo a' trap='echo a' printf='echo a' set='echo a' kill='echo a' export='echo a' ll='ls -d'",
    "",
  ],
  ["pwd; ll /srv", "a\n/srv\n"],
  ["unalias -a; alias exit='echo stay'", ""],
  ["exit", "stay\n"],
  ["unalias exit", ""],
  ["exit", "", { terminal: "exit 0" }],
);

session(
  "exported values come back byte for byte",
  [
    'export Q="it\'s \\"q\\" \\$x \\`t\\`\nend" EMPTY= B="$(printf \'\\201\\210\\377\')"; export NOVALUE; HIDDEN=1',
    "",
  ],
  ['printf "%s|%s|" "$Q" "$EMPTY"; printf %s "$B" | od -An -tx1', 'it\'s "q" $x `t`\nend|| 81 88 ff\n'],
  ["export -p | grep -E 'NOV|EMP'; echo \"${HIDDEN-none}\"", "export EMPTY=''\nexport NOVALUE\nnone\n"],
  ["unset Q HOME; env | grep -c -E '^(Q|HOME)='", "0\n", { status: 1 }],
  ['echo "${HOME-unset}"', "unset\n"],
);

session(
  "output is what the command wrote",
  ["printf 'a\\0b\\n'", "ab\n"],
  ["printf '\\377z\\n'", "\ufffdz\n"],
  ["echo out; echo err >&2; echo more >/dev/stderr; cat", "out\nerr\nmore\n"],
  ["exec 1>&-; echo hi", "/bin/sh: 1: echo: echo: I/O error\n", { status: 1 }],
  ["exec >/dev/null; echo hi", ""],
  ["sleep 60 & echo bg", "bg\n"],
  [ALONE, "1\n"],
);

test("a command of 1 MiB runs, is counted whole and can end the session", () =>
  inWorld(async (sandbox) => {
    const result = await sandbox.run(`echo ${"x".repeat(1 << 20)} | wc -c; nope; exit 3`);
    expect(told(result)).toBe('"1048577\\n/bin/sh: 1: eval: nope: not found\\n" 3, exit 3');
  }));

test("what a command may see of the harness is what any shell shows", () =>
  inWorld(async (sandbox) => {
    const { output } = await sandbox.run(
      "alias; trap; type exit; command -v exit; set; env; ps; ls -a /tmp; echo $0 $- $#",
    );
    expect(output).not.toMatch(/[0-9a-f]{16}|sekft|bwrap|nsenter|stdin/);
    expect(output).toStartWith("exit is a special shell builtin\nexit\n");
    expect(output).toEndWith("\n.\n..\n/bin/sh 0\n");
    const names = [...output.matchAll(/^([A-Za-z_]\w*)='/gm)].map((match) => match[1]);
    expect(names.join(" ")).toBe(
      "HOME IFS LC_ALL LOGNAME OPTIND PATH PPID PS1 PS2 PS4 PWD SHELL TERM TZ USER",
    );
  }));

test("a slow command, a flood and a fork bomb end, and the world is as before", () =>
  inWorld(
    async (sandbox) => {
      const slow = await sandbox.run("echo first; (setsid sleep 60 &); sleep 60", { timeoutMs: 300 });
      expect([slow.status, slow.timedOut, slow.output]).toEqual([124, true, "first\n"]);
      const flood = await sandbox.run("yes");
      expect([flood.timedOut, flood.truncated, flood.outputBytes > 2 ** 26]).toEqual([false, true, true]);
      const bomb = await sandbox.run("b() { b | b & }; b; sleep 0.2");
      expect(bomb.output).toContain("Cannot fork");
      expect((await sandbox.run(ALONE)).output).toBe("1\n");
    },
    { commandTimeoutMs: 10_000 },
  ));
