// What a session must not show: that something runs it. A trace would be learned from.

import { type Check, inGroup } from "./check.ts";
import { expectResult, same, unlike } from "./expectations.ts";
import { sampleHome, sampleUser } from "./sample-world.ts";

const { check, session, steps } = inGroup("traces");
const why = "section 3: scaffold leaks into training data";
/** Hexadecimal or base-64 words as long as a nonce. */
const nonce = /\b[0-9a-f]{16,}\b|sekft|nonce|wrapper|prelude/i;

export const traces: readonly Check[] = [
  check("environment", "`env` shows what the world says and nothing else", why, async (stage) => {
    const sandbox = await stage.open({ env: { PROJECT: "blue" } });
    const { output } = await stage.run(sandbox, "env | sort");
    same("env", output.split("\n").filter(Boolean), [
      `HOME=${sampleHome}`,
      "LC_ALL=C.UTF-8",
      `LOGNAME=${sampleUser}`,
      "PATH=/usr/local/bin:/bin",
      "PROJECT=blue",
      `PWD=${sampleHome}`,
      "SHELL=/bin/dash",
      "TERM=dumb",
      "TZ=UTC",
      `USER=${sampleUser}`,
    ]);
    await stage.run(sandbox, "cd /srv");
    const later = await stage.run(sandbox, "env | sort | cut -d= -f1 | tr '\\n' ' '");
    same(
      "names later",
      later.output.replace("OLDPWD ", ""),
      "HOME LC_ALL LOGNAME PATH PROJECT PWD SHELL TERM TZ USER ",
    );
  }),
  check("variables", "`set` shows the names that a plain shell has", why, async (stage) => {
    const sandbox = await stage.open();
    for (const command of ["true", "cd /srv; export NEW=1; umask 027; alias a=b"]) {
      await stage.run(sandbox, command);
      const names = "sed -n 's/^\\([A-Za-z_][A-Za-z0-9_]*\\)=.*/\\1/p' | sort | tr '\\n' ' '";
      const { output: ours } = await stage.run(sandbox, `set | ${names}`);
      const { output: plain } = await stage.run(sandbox, `sh -c set | ${names}`);
      same("names in `set`", ours, plain);
      const { output } = await stage.run(sandbox, "set");
      unlike("`set`", output, nonce);
    }
  }),
  check("processes", "`ps` shows a shell that runs the command", why, async (stage) => {
    const sandbox = await stage.shared();
    const { output } = await stage.run(sandbox, "ps -o user,args; :");
    unlike("ps", output, nonce);
    const own = output.split("\n").filter((line) => line.includes("ps -o"));
    same("lines that hold the command", own.map((line) => line.replace(/^\S+ +/, "")).sort(), [
      "/bin/sh -i +m -c ps -o user,args; :",
      "ps -o user,args",
    ]);
  }),
  check(
    "command-lines",
    "No command line or environment of a process tells of the harness",
    why,
    async (stage) => {
      const sandbox = await stage.shared();
      const { output } = await stage.run(
        sandbox,
        "for f in /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/comm; do tr '\\0' ' ' <$f 2>/dev/null; echo; done; :",
      );
      unlike("/proc/*/cmdline, environ", output, nonce);
    },
  ),
  steps(
    "shell",
    "The shell calls itself what a plain one is called",
    "parity with the corpus",
    ["echo $0", "/bin/sh\n"],
    ['echo "$# [$*]"', "0 []\n"],
    ["case $- in *i*|*m*) echo odd $-;; *) echo plain;; esac", "plain\n"],
    ["(echo $-)", "\n"],
    ['echo "${_-}${PS0-}${ENV-}${BASH_ENV-}"', { output: /^(\/\S*)?\n$/ }],
    ['echo "$PS1|$PS2|$PS4"', "$ |> |+ \n"],
    ["echo ${!-none}", "none\n"],
    ["jobs", ""],
  ),
  steps(
    "aliases",
    "`alias` shows the operator's own only",
    why,
    ["alias", ""],
    ["type exit; command -v exit", "exit is a special shell builtin\nexit\n"],
  ),
  steps(
    "traps",
    "`trap` shows the operator's own only",
    why,
    ["trap", ""],
    ["(trap)", ""],
    ["trap 'echo x' INT; trap", "trap -- 'echo x' INT\n"],
  ),
  session("options", "`set -o` shows the options of a plain shell", why, [
    "set -o | sort >/tmp/ours; sh -c 'set -o' | sort >/tmp/plain; cmp /tmp/ours /tmp/plain && echo the same",
    "the same\n",
  ]),
  steps("temporary-files", "Nothing lies in temporary directories", why, [
    "ls -A /tmp /dev/shm /var/tmp /run 2>/dev/null | grep -v ':$' | grep -v '^$' | grep -vE '^(lock|tmp|run|spool)$' | wc -l",
    "0\n",
  ]),
  check("new-files", "Nothing but the world's own files is new in its roots", why, async (stage) => {
    const sandbox = await stage.open();
    const { output } = await stage.run(
      sandbox,
      "find /home /srv /opt /tmp /var/spool -type f | sort; ls -A /etc | tr '\\n' ' '",
    );
    unlike("files", output, nonce);
    same(
      "files",
      output.split("\n").filter((line) => line.startsWith("/tmp")),
      [],
    );
  }),
  check("descriptors", "What descriptors lead to tells nothing", why, async (stage) => {
    const { output } = await stage.run(await stage.shared(), "ls -l /proc/self/fd /proc/$$/fd");
    unlike("descriptors", output, /sekft|nonce|prelude|\.sock/i);
  }),
  check(
    "limits",
    "No file tells the engine apart more than it must",
    "hostname and user as the world says",
    async (stage) => {
      const sandbox = await stage.shared();
      expectResult(
        "hostname",
        await stage.run(sandbox, "hostname; uname -n; cat /proc/sys/kernel/hostname"),
        "sek\nsek\nsek\n",
      );
      const { output } = await stage.run(
        sandbox,
        "cat /etc/passwd /etc/group /etc/hosts /etc/resolv.conf 2>/dev/null",
      );
      unlike("files in /etc", output, nonce);
    },
  ),
];
