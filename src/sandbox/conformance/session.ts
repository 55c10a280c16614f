// What a session carries from one command to the next, and every way in which dash has been seen to lose it.

import { type Check, inGroup } from "./check.ts";
import { expectResult, same } from "./expectations.ts";
import { sampleHome } from "./sample-world.ts";

const { check, session, steps } = inGroup("session");
const home = sampleHome;

const lost = (output: string | RegExp, status: number) => ({ output, status, stateLost: true });

export const sessionChecks: readonly Check[] = [
  session(
    "directory",
    "The directory stays",
    "mini-swe-agent starts over, inspect_ai too",
    ["cd /srv/box", ""],
    ["pwd", "/srv/box\n"],
    ["cd ..; pwd", "/srv\n"],
    ["cd", ""],
    ["pwd", `${home}\n`],
    ["(cd /tmp); pwd", `${home}\n`],
  ),
  check(
    "shown-directory",
    "The prompt knows where the session is",
    "parity with the corpus",
    async (stage) => {
      const sandbox = await stage.open();
      same("at first", sandbox.shownDirectory, "~");
      for (const [command, shown] of [
        ["cd /srv/box", "/srv/box"],
        ["mkdir -p ~/x/y; cd ~/x/y", "~/x/y"],
        ["cd /home", "/home"],
        ["mkdir ~2; cd ~2".replaceAll("~", home), `${home}2`],
        ["cd /", "/"],
        ["cd ~", "~"],
      ]) {
        await stage.run(sandbox, command!);
        same(`after ${command}`, sandbox.shownDirectory, shown);
      }
    },
  ),
  session(
    "directory-logical",
    "A directory reached through a link keeps the link's name",
    "section 3: logical against physical",
    ["ln -s /srv/box /tmp/link; cd /tmp/link", ""],
    ["pwd; pwd -P; cd ..; pwd", "/tmp/link\n/srv/box\n/tmp\n"],
  ),
  session(
    "directory-gone",
    "A directory that was deleted under the session stops nothing",
    "section 3: deleted cwd, `pwd` fails",
    ["mkdir /tmp/gone; cd /tmp/gone; rmdir /tmp/gone", { status: 0 }],
    ["echo still; cd /srv", { output: /still\n$/, status: 0 }],
    ["pwd", "/srv\n"],
  ),
  session(
    "directory-closed",
    "A directory that lost its rights stops nothing",
    "section 3",
    ["mkdir /tmp/shut; cd /tmp/shut; chmod 000 /tmp/shut", { status: 0 }],
    ["echo still", { output: /still\n$/, status: 0 }],
    ["chmod 755 /tmp/shut; cd /srv; pwd", { output: /\/srv\n$/, status: 0 }],
  ),
  session(
    "directory-names",
    "Directories with newlines, quotes and bytes that are no text",
    "section 3: names containing newlines",
    ['d=$(printf "/tmp/a\\nb \'c\\"\\$\\377x"); mkdir "$d"; cd "$d"; echo in >here', ""],
    ["cat here; pwd | od -An -tx1 | tr -d ' \\n'", "in\n2f746d702f610a622027632224ff780a"],
    ["cd /tmp; mkdir -- '-x '; cd -- '-x '", ""],
    ["pwd | cat -A 2>/dev/null || pwd | od -c | head -1", /tmp/],
  ),
  session(
    "environment",
    "Exported variables stay, changed and new ones",
    "replay",
    ["export A=1 B='two words'; export HOME=/srv; unset PROJECT", ""],
    ["echo \"$A|$B|$HOME|${PROJECT-unset}\"; sh -c 'echo $A'", "1|two words|/srv|unset\n1\n"],
    ["unset A; B=changed", ""],
    ["echo \"${A-unset}|$B\"; sh -c 'echo $B'", "unset|changed\nchanged\n"],
  ),
  check(
    "environment-seen",
    "The session's environment can be read from outside",
    "contract",
    async (stage) => {
      const sandbox = await stage.open();
      same("PROJECT", sandbox.environment.PROJECT, "blue");
      await stage.run(sandbox, "export PROJECT='green leaf' NEW=1; LOCAL=2");
      const { PROJECT, NEW, LOCAL } = sandbox.environment;
      same("PROJECT, NEW, LOCAL", [PROJECT, NEW, LOCAL ?? null], ["green leaf", "1", null]);
    },
  ),
  session(
    "environment-bytes",
    "Values with newlines, quotes and bytes that are no text stay as they are",
    "section 3: export -p; docker exec -e turns ff fe into U+FFFD",
    ['export V="$(printf "a\\nb\'c\\"d\\\\\\\\e\\$f\\377\\376\\140g\\n\\n.")" E= T="\ttab"', ""],
    [
      'printf %s "$V" | od -An -tx1 | tr -d \' \\n\'; echo; echo "[${E-unset}][$T]"',
      "610a62276322645c652466fffe60670a0a2e\n[][\ttab]\n",
    ],
    ["printf %s \"$V\" | od -An -tx1 | tr -d ' \\n'", "610a62276322645c652466fffe60670a0a2e"],
  ),
  session(
    "environment-attack",
    "A value is never run as code",
    "the host re-quotes; it does not replay text",
    ["export V=\"'; echo hacked; '\" W='$(echo hacked)' X='`echo hacked`'; export Y=\"a'\n'export Z=1\"", ""],
    [
      'echo plain; printf \'%s|\' "$V" "$W" "$X" "${Z-unset}"',
      "plain\n'; echo hacked; '|$(echo hacked)|`echo hacked`|unset|",
    ],
  ),
  session(
    "environment-large",
    "An environment of 100 kB stays",
    "E2BIG in a wrapper's argv",
    ["export BIG=$(head -c 100000 /dev/zero | tr '\\0' z)", ""],
    ["echo ${#BIG}", "100000\n"],
    ["echo ${#BIG}; sh -c 'echo ${#BIG}'", "100000\n100000\n"],
  ),
  session(
    "umask-options",
    "umask and shell options stay",
    "section 3: cheap extras",
    ["umask 027; set -fu", ""],
    ["umask; echo *; echo ${NOT_SET-default}; touch made; stat -c %a made", "0027\n*\ndefault\n640\n"],
    ["echo $NOT_SET", { output: "/bin/sh: 1: NOT_SET: parameter not set\n", status: 2 }],
    ["set +fu; umask 022; cd /srv/box; echo e*", "empty\n"],
    ["echo e*; umask", "empty\n0022\n"],
  ),
  session(
    "errexit",
    "`set -e` stays, and ends a command without ending the session",
    "section 3: special cases of set -e",
    ["set -e; echo on", "on\n"],
    ["echo a; false; echo b", { output: "a\n", status: 1 }],
    ["echo $?; case $- in *e*) echo still;; esac", "1\nstill\n"],
    ["set +e; false; echo c", "c\n"],
  ),
  session(
    "trace",
    "`set -x` traces the operator's commands and nothing else",
    "a wrapper would be traced too",
    ["set -x", { status: 0 }],
    ["echo a", "+ echo a\na\n"],
    ["set +x", "+ set +x\n"],
    ["echo b", "b\n"],
  ),
  session(
    "verbose",
    "`set -v` shows nothing of the harness",
    "a wrapper would be echoed too",
    ["set -v", ""],
    ["echo a", { output: /^(echo a\n)?a\n$/, status: 0 }],
    ["set +v", { output: /^(set \+v\n)?$/ }],
    ["echo b", "b\n"],
  ),
  check("noexec", "`set -n` does not end the session", "an interactive shell ignores it", async (stage) => {
    const sandbox = await stage.open();
    await stage.run(sandbox, "set -n");
    expectResult("echo back", await stage.run(sandbox, "echo back"), "back\n");
  }),
  session(
    "aliases",
    "Aliases stay",
    "section 3: cheap extras",
    ["alias hi='echo hello' two=\"echo 'a b'\"", ""],
    ["hi there; two", "hello there\na b\n"],
    ["alias", { output: /^hi='echo hello'\ntwo='echo '"'"'a b'"'"(?:'')?\n$/, status: 0 }],
    ["unalias hi; unalias two", ""],
    ["hi", { output: "/bin/sh: 1: hi: not found\n", status: 127 }],
    ["alias", ""],
  ),
  session(
    "status",
    "`$?` of the command before is there",
    "section 3: `(exit $prev)`",
    ["(exit 42)", { output: "", status: 42 }],
    ["echo $?", "42\n"],
    ["echo $?", "0\n"],
    ["nope", { status: 127 }],
    ["case $? in 127) echo yes;; *) echo no;; esac", "yes\n"],
  ),
  session(
    "not-carried",
    "Functions, plain variables, traps and positions are not carried",
    "documented; dash cannot write its functions",
    ["f() { echo f; }; V=1; set -- a b; f; echo $V $#", "f\n1 2\n"],
    ['echo "${V-unset} $#"; f', { output: "unset 0\n/bin/sh: 1: f: not found\n", status: 127 }],
  ),
  session(
    "read-only",
    "A read-only variable keeps its value and harms nothing",
    "section 3: the attribute is lost",
    ["readonly R=1; export R; echo $R", "1\n"],
    ["echo $R; pwd", `1\n${home}\n`],
  ),
  session(
    "parse",
    "Comments, open quotes, here-documents without end and trailing backslashes end where the command ends",
    "section 3: an appended suffix is unsafe",
    ["echo a # comment", "a\n"],
    ["echo b \\", "b \\\n"],
    ["cat <<END\nopen", { output: /^open\n?$/, status: 0 }],
    ["cat <<END\nx\nEND", "x\n"],
    ["cat <<'END'\nx\nEND  ", { output: /^x\nEND {2}\n?$/ }],
    ["echo 'open", { output: "/bin/sh: 1: Syntax error: Unterminated quoted string\n", status: 2 }],
    ["echo ok; (", { output: /Syntax error: end of file unexpected/, status: 2 }],
    ["if true; then", { output: /Syntax error/, status: 2 }],
    ["}", { output: '/bin/sh: 1: Syntax error: "}" unexpected\n', status: 2 }],
    ["echo a; ; echo b", { output: '/bin/sh: 1: Syntax error: ";" unexpected\n', status: 2 }],
    ["pwd", `${home}\n`],
  ),
  session(
    "special-builtins",
    "An error of a special builtin ends a command, not the session, and its state stays",
    "section 3: rc 2 without an exit",
    ["cd /srv/box; export KEPT=1", ""],
    [". ./nofile", { output: /nofile/, status: 2 }],
    ["export 1x=", { output: /1x/, status: 2 }],
    ["shift 3", { output: /shift/, status: 2 }],
    ["set -o pipefail", { output: /pipefail/, status: 2 }],
    [": ${x:?missing}", { output: "/bin/sh: 1: x: missing\n", status: 2 }],
    ["readonly Q=1; Q=2", { output: "/bin/sh: 1: Q: is read only\n", status: 2 }],
    ["eval 'if'", { output: /Syntax error/, status: 2 }],
    ["pwd; echo $KEPT", "/srv/box\n1\n"],
  ),
  session(
    "state-lost",
    "`exec`, death and the operator's own trap lose the state of that command only, and it is said",
    "section 3: the trap is skipped",
    ["cd /srv/box; export KEPT=1", ""],
    ["cd /tmp; exec echo gone", lost("gone\n", 0)],
    ["pwd", "/srv/box\n"],
    ["cd /tmp; exec false", lost("", 1)],
    ["cd /tmp; kill -9 $$", lost("", 137)],
    ["cd /tmp; kill $$; echo no", lost("", 143)],
    ["exec nope", { output: "/bin/sh: 1: exec: nope: not found\n", status: 127 }],
    ["pwd; echo $KEPT", "/srv/box\n1\n"],
  ),
  check(
    "own-trap",
    "The operator's own EXIT trap runs",
    "section 3: replaced by a user trap",
    async (stage) => {
      const sandbox = await stage.open();
      const result = await stage.run(sandbox, "trap 'echo bye' EXIT; echo hi");
      same(
        "output, status, terminal",
        [result.output, result.status, result.terminal],
        ["hi\nbye\n", 0, null],
      );
      expectResult("echo", await stage.run(sandbox, "echo next"), "next\n");
      const inner = await stage.run(
        sandbox,
        "(trap 'echo inner' EXIT; echo x); sh -c 'trap \"echo y\" EXIT'; cd /srv",
      );
      expectResult("subshell trap", inner, "x\ninner\ny\n");
      expectResult("pwd", await stage.run(sandbox, "pwd"), "/srv\n");
    },
  ),
  session(
    "poison",
    "Poisoned PATH, IFS, ENV, PS4 and loader variables do what they do to the operator, and nothing to the session",
    "section 3: restored last, builtins only",
    [
      "export PATH=/nowhere IFS=/ ENV=/tmp/env PS4='$(echo ps4)' PS1='$(echo ps1)' LD_PRELOAD=/tmp/x.so BASH_ENV=/tmp/env CDPATH=/tmp; echo 'echo from env' >/tmp/env",
      "",
    ],
    ["cd /srv; pwd; ls", { output: "/srv\n/bin/sh: 1: ls: not found\n", status: 127 }],
    ['echo "$PATH $ENV"; x=a/b; echo $x', "/nowhere /tmp/env\na b\n"],
    ["export PATH=/usr/local/bin:/bin; unset IFS ENV LD_PRELOAD; pwd", "/srv\n"],
    ["ls /srv/box/plain.txt", "/srv/box/plain.txt\n"],
  ),
  session(
    "shadow",
    "Functions and aliases over builtins do not reach the harness",
    "section 3: builtins only",
    [
      "cd() { echo mine; }; printf() { echo mine; }; echo() { command printf 'echoed\\n'; }; umask() { :; }; command cd /srv; echo x",
      { status: 0 },
    ],
    ["pwd; echo y", "/srv\ny\n"],
    [
      "alias cd='echo mine' pwd='echo mine' export='echo mine' alias='echo mine' umask='echo mine' set='echo mine' printf='echo mine' command='echo mine' trap='echo mine' eval='echo mine' unset='echo mine' kill='echo mine' readonly=mine test=mine",
      "",
    ],
    ["\\cd /tmp", ""],
    ["\\pwd; cd x", { output: "/tmp\nmine x\n", status: 0 }],
  ),
  steps("arithmetic", "Nothing of the harness meets the operator's variables", "names must not collide", [
    "for v in s status rc cmd command out state prev nonce dir; do eval \"echo \\${$v-}\"; done | tr -d '\\n'",
    "",
  ]),
  session(
    "many",
    "Thirty commands keep their state",
    "an episode's length",
    ["export N=0", ""],
    ...Array.from({ length: 30 }, (_, i) => ["N=$((N + 1)); echo $N", `${i + 1}\n`] as const),
  ),
];
