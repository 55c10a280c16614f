// The verdict: the effect is judged where the operator cannot reach, with nothing of the operator's around.

import { type Check, inGroup } from "./check.ts";
import { holds, like, same } from "./expectations.ts";
import { sampleHome, sampleUser } from "./sample-world.ts";
import type { Stage } from "./stage.ts";

const { check } = inGroup("verdict");
const reach = "section 0.3: verify outside the operator's reach";

// One checker answers many questions about where it runs; `##` starts an answer.
const questions: Readonly<Record<string, string>> = {
  user: "id -u; id -g",
  directory: "pwd",
  "session-environment": "env | sort",
  host: "hostname",
  shell: "echo $0 $#; wc -c </dev/stdin",
  sealed: "cat /srv/box/sealed /srv/vault/inner",
  made: "cat /srv/closed/deep/made",
  owners: "stat -c '%u %g' /srv/box/plain.txt /srv/made",
  modes: "stat -c %a /srv/box/plain.txt /srv/box/sealed /srv/vault /srv/made",
  times: "stat -c %Y /srv/box/plain.txt /srv/box/empty",
  processes: "ps -o args | grep -c '[s]leep 9'",
  arguments: "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c '[s]leep 9'",
  writes:
    "for d in / /bin /home /srv /srv/box /opt /opt/desk /etc /tmp /var /usr/local /usr/local/bin /root; do (: >$d/by-checker) 2>/dev/null && echo $d; done; (echo x >>/srv/box/plain.txt) 2>/dev/null && echo appended; chmod 777 /srv/box/plain.txt 2>/dev/null && echo changed; rm -f /srv/box/empty 2>/dev/null; [ -e /srv/box/empty ] || echo removed; true",
  programs: "for p in cat ls stat grep; do command -v $p; done; ls / >/dev/null && echo real",
  network: "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' ' | grep -c '^eth'",
  link: "readlink /tmp/link; cat /tmp/link 2>&1",
  privileges: "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'",
  names: "ls -b /srv/odd 2>/dev/null || ls /srv/odd",
};

const before = [
  "mkdir -p /srv/closed/deep; echo made text >/srv/closed/deep/made; chmod 000 /srv/closed/deep/made /srv/closed/deep /srv/closed",
  "umask 077; echo x >/srv/made; ln -s /nowhere /tmp/link; mkdir -m 755 /srv/odd; touch '/srv/odd/ü x'",
  "for p in cat ls stat grep id env sh ps; do printf '#!/bin/sh\\necho fake\\n' >/usr/local/bin/$p; chmod 755 /usr/local/bin/$p; done",
  "export PATH=/usr/local/bin:/tmp IFS=x ENV=/tmp/rc LD_PRELOAD=/tmp/x.so PS4=boo BASH_ENV=/tmp/rc MARK=left; cd /srv/box",
  "echo 'echo from rc' >/tmp/rc; alias cat=false; umask 000; set -f",
  "setsid sleep 97 & setsid sleep 98 & exec >&-; true",
];

/** The answers of the checker that asks everything, by question. */
function answers(stage: Stage): Promise<ReadonlyMap<string, string>> {
  return stage.once("verdict answers", async () => {
    const checker = Object.entries(questions).map(([name, question]) => `echo '## ${name}'\n${question}`);
    const { output } = await stage.verdict(`${checker.join("\n")}\n`, before);
    const parts = output.split(/^## /m).slice(1);
    return new Map(
      parts.map((part) => [part.slice(0, part.indexOf("\n")), part.slice(part.indexOf("\n") + 1)]),
    );
  });
}

function asks(name: string, title: string, why: string, expected: string | RegExp): Check {
  return check(name, title, why, async (stage) => {
    const answer = (await answers(stage)).get(name) ?? "nothing";
    if (expected instanceof RegExp) like(questions[name]!, answer, expected);
    else same(questions[name]!, answer, expected);
  });
}

const judge = (
  name: string,
  title: string,
  why: string,
  checker: string,
  expected: { passed: boolean; status?: number; output?: RegExp },
  commands: readonly string[] = [],
) =>
  check(name, title, why, async (stage) => {
    const verdict = await stage.verdict(checker, commands);
    same("passed", verdict.passed, expected.passed);
    same("timed out", verdict.timedOut, false);
    if (expected.status !== undefined) same("status", verdict.status, expected.status);
    if (expected.output) like("output", verdict.output, expected.output);
  });

export const verdicts: readonly Check[] = [
  asks("user", "The checker is root", "bundles say so", "0\n0\n"),
  asks("directory", "It starts in /", "bundles say so", "/\n"),
  check(
    "environment",
    "Its environment is clean, whatever the operator exported",
    "section 3: poison must never reach the checker",
    async (stage) => {
      const { output } = await stage.verdict("env | sort", [
        "export PATH=/tmp MARK=left SEK_HOME=/tmp LC_ALL=x HOME=/tmp",
      ]);
      same(
        "env",
        output.split("\n").filter((line) => line && !/^(PWD|SHLVL|_|OLDPWD)=/.test(line)),
        ["LC_ALL=C.UTF-8", "PATH=/bin", `SEK_HOME=${sampleHome}`],
      );
    },
  ),
  asks(
    "session-environment",
    "Nothing of the session's environment is left",
    "section 3",
    new RegExp(
      `^LC_ALL=C\\.UTF-8\\n(OLDPWD=.*\\n)?PATH=/bin\\n(PWD=/\\n)?SEK_HOME=${sampleHome}\\n(SHLVL=.*\\n|_=.*\\n)*$`,
    ),
  ),
  asks("host", "The host name is the world's", "parity", "sek\n"),
  asks(
    "shell",
    "Its shell is a plain one, with nothing on its input",
    "a reading checker must not wait",
    /^\S*sh 0\n0\n$/,
  ),
  asks(
    "sealed",
    "It reads files without any right",
    "the fixtures' checkers need it",
    "sealed text\ninner text\n",
  ),
  asks(
    "made",
    "It reads what the operator locked away",
    "a separate verifier that cannot see the work is a false negative (dawn#14)",
    "made text\n",
  ),
  asks("modes", "It sees modes as the operator left them", "archetype permissions", "640\n0\n0\n600\n"),
  check("owners", "It sees whose files are", "archetype permissions", async (stage) => {
    stage.needs("owners");
    same(questions.owners!, (await answers(stage)).get("owners"), "1000 1000\n1000 1000\n");
  }),
  asks("times", "It sees the fixtures' time of change", "FIXTURE_MTIME", "1763000000\n1763000000\n"),
  asks("processes", "No process of the operator is left", reach, "0\n"),
  asks("arguments", "Nor can one be seen", reach, "0\n"),
  asks("writes", "It can change nothing", "contract: the files cannot be changed by it", ""),
  asks(
    "programs",
    "Its programs are the world's own",
    "Harbor#974: replaced binaries",
    /^(\/bin\/\w+\n){4}real\n$/,
  ),
  asks("network", "It has no network", "section 2", "0\n"),
  asks(
    "link",
    "Links are as the operator left them",
    "no symlink escape",
    /^\/nowhere\n.*No such file or directory\n$/,
  ),
  asks("privileges", "It can gain no privileges", "section 2", /^NoNewPrivs:1\n/),
  asks("names", "Names that are no ASCII are as they are", "LC_ALL", /x/),
  judge("passes", "Status 0 is a pass", "bundles", "[ -e /srv/made ]", { passed: true, status: 0 }, [
    "echo x >/srv/made",
  ]),
  judge("fails", "Any other status is a failure", "bundles", "[ -e /srv/made ]", {
    passed: false,
    status: 1,
  }),
  judge("status", "The status is told", "contract", "exit 42", { passed: false, status: 42 }),
  judge("output", "Its output is kept", "contract", "echo a; echo b >&2; true", {
    passed: true,
    output: /^a\nb\n$/,
  }),
  judge(
    "silent-break",
    "A checker with a syntax error fails",
    "a broken checker must not pass",
    "if [ -e /srv ; then",
    { passed: false, output: /Syntax error/ },
  ),
  judge(
    "unknown-program",
    "A checker whose program is missing fails",
    "a broken checker must not pass",
    "nope && true",
    { passed: false, status: 127 },
  ),
  judge("signal", "A checker that dies fails", "evalplus: os._exit forges a pass", "kill -9 $$", {
    passed: false,
    status: 137,
  }),
  judge(
    "forged",
    "A checker's output says nothing about its verdict",
    "verdict by exit code and nonce",
    "echo passed; echo 0; echo 1 >/dev/stdout; exit 1",
    { passed: false, status: 1 },
  ),
  judge(
    "last-line",
    "A checker may end in a comment, or without a newline, or in a here-document",
    "section 3: suffixes",
    "grep -q x <<'END' # c\nx\nEND",
    { passed: true },
  ),
  judge(
    "text",
    "A checker may hold any text",
    "bundles: non-ASCII unescaped",
    "[ \"$(cat '/srv/box/grüße mit leerzeichen.txt')\" = 'größe 中文 😀\nno end' ] && [ 'a\"b$c`d\\e' = \"a\\\"b\\$c\\`d\\\\e\" ]",
    { passed: true },
  ),
  judge(
    "long",
    "A checker may be longer than an argument",
    "E2BIG above 131,071 bytes",
    `: ${"x".repeat(200_000)}\n[ -e /srv/box/plain.txt ]`,
    { passed: true },
  ),
  judge(
    "home",
    "`SEK_HOME` is the operator's home",
    "bundles",
    '[ "$(cat "$SEK_HOME/note.txt")" = "a note" ] && [ -d "$SEK_HOME" ]',
    { passed: true },
  ),
  judge(
    "accounts",
    "It finds the operator's account",
    "parity",
    `grep -q '^${sampleUser}:x:1000:1000::${sampleHome}:/bin/dash$' /etc/passwd && grep -q '^root:x:0:0:' /etc/passwd && [ "$(id -un ${sampleUser})" = ${sampleUser} ]`,
    { passed: true },
  ),
  judge(
    "background",
    "What a checker leaves in the background holds nothing up",
    "moby#33039",
    "sleep 60 & true",
    { passed: true },
  ),
  judge("closed", "A checker may close its output", "bigcode close_outputs", "exec >&- 2>&-; true", {
    passed: true,
  }),
  check(
    "endless",
    "A checker that never ends is ended, and has not passed",
    "checkers read FIFOs too",
    async (stage) => {
      const began = performance.now();
      const verdict = await stage.verdict("echo a; sleep 60", [], 1500);
      const tookMs = Math.round(performance.now() - began);
      same(
        "passed, timed out, status",
        [verdict.passed, verdict.timedOut, verdict.status],
        [false, true, 124],
      );
      holds("milliseconds", tookMs, "less than 20000", tookMs < 20_000);
    },
  ),
  check("loud", "A checker's endless output ends", "bigcode unbounded_output", async (stage) => {
    const verdict = await stage.verdict("yes checker", [], 3000);
    same("passed", verdict.passed, false);
    holds("characters kept", verdict.output.length, "at most 100,000", verdict.output.length <= 100_000);
  }),
  check("no-more", "No command runs after the verdict", "contract", async (stage) => {
    const sandbox = await stage.open();
    await sandbox.check("true");
    const outcome = await sandbox.run("echo x").then(
      () => "a result",
      () => "an error",
    );
    same("a command after the verdict", outcome, "an error");
  }),
  check(
    "after-end",
    "It is judged after `exit`, `panic` and a shell that was killed",
    "episodes end so",
    async (stage) => {
      for (const last of ["exit", "panic no way", "kill -9 $$", "exec true", "kill -9 -1"]) {
        const verdict = await stage.verdict("[ -s /srv/made ]", [`echo x >/srv/made`, last]);
        same(`passed after ${last}`, verdict.passed, true);
      }
    },
  ),
  check(
    "artefact",
    "What the operator left, run by the checker, forges no verdict",
    "Harbor#1779",
    async (stage) => {
      const tool = "#!/bin/sh\\nkill -9 $PPID; kill -9 -1; echo passed; exit 0\\n";
      const verdict = await stage.verdict("sh /srv/tool.sh; exit 1", [`printf '${tool}' >/srv/tool.sh`]);
      same("passed", verdict.passed, false);
    },
  ),
  check(
    "hidden",
    "The operator finds no text of the checker before or while it runs",
    "keep checker out of image, env and argv",
    async (stage) => {
      const mark = "unfindable-4711";
      const sandbox = await stage.open();
      const { output } = await stage.run(
        sandbox,
        `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -v grep | grep -c unfindable-47[1]1; setsid sh -c 'while :; do cat /proc/[0-9]*/cmdline >>/srv/seen 2>/dev/null; done' & true`,
      );
      same("lines with its text", output, "0\n");
      const verdict = await sandbox.check(`: ${mark}; sleep 0.5; ! grep -q ${mark} /srv/seen`);
      same("passed", verdict.passed, true);
    },
  ),
];
