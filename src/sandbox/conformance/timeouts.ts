// What runs too long is ended with all its children, and nothing else is taken for it.

import { type Check, inGroup } from "./check.ts";
import { expectResult, holds, same } from "./expectations.ts";
import type { Stage } from "./stage.ts";

const { check, steps } = inGroup("timeouts");

/** Runs something that must be ended, then looks whether anything of it is left and the session goes on. */
async function endedWhole(stage: Stage, command: string, output?: string | RegExp): Promise<void> {
  const sandbox = await stage.open();
  const began = performance.now();
  const result = await stage.run(sandbox, command, 1500);
  const tookMs = performance.now() - began;
  expectResult(command, result, { timedOut: true, status: 124, ...(output !== undefined && { output }) });
  holds(
    "milliseconds until it was ended",
    Math.round(tookMs),
    "between 1400 and 9000",
    tookMs >= 1400 && tookMs < 9000,
  );
  // A zombie is over; on a busy machine it waits a moment for its parent.
  expectResult("ps", await stage.run(sandbox, "ps -o stat,args | grep -v '^Z' | grep -c '[s]leep'"), {
    output: "0\n",
    status: 1,
  });
  expectResult("echo", await stage.run(sandbox, "echo on; pwd"), /^on\n/);
}

export const timeouts: readonly Check[] = [
  check(
    "timeout",
    "A command that runs too long is ended, its output so far is kept",
    "inspect_ai test_exec_timeout",
    (stage) => endedWhole(stage, "echo before; sleep 61; echo never", "before\n"),
  ),
  check(
    "kills-process",
    "A shell that waits is ended",
    "inspect_ai test_exec_timeout_kills_process",
    (stage) => endedWhole(stage, "sh -c 'sleep 62; :'; :"),
  ),
  check(
    "kills-children",
    "Children in the background are ended too",
    "inspect_ai test_exec_timeout_kills_child_processes",
    (stage) => endedWhole(stage, "sleep 63 & sleep 64 & sleep 65"),
  ),
  check(
    "kills-sessions",
    "Children that left for a session of their own are ended",
    "section 2: a setsid child survives",
    (stage) => endedWhole(stage, "setsid sh -c 'sleep 66 & sleep 67' & setsid setsid sleep 68 & sleep 69"),
  ),
  check("kills-stubborn", "What ignores every signal is ended", "bigcode sleep_forever", (stage) =>
    endedWhole(stage, "trap '' TERM INT HUP ALRM QUIT; nohup sleep 71 & while :; do sleep 72; done"),
  ),
  check("kills-closed", "What closed its output and runs on is ended", "bigcode close_outputs", (stage) =>
    endedWhole(stage, "exec >&- 2>&-; sleep 73"),
  ),
  check("kills-busy", "A loop that never sleeps is ended", "bigcode sleep_forever", (stage) =>
    endedWhole(stage, "while :; do :; done"),
  ),
  check("kills-stopped", "What stopped itself is ended", "a stopped process never reports", (stage) =>
    endedWhole(stage, "sleep 74 & kill -STOP $!; wait"),
  ),
  steps(
    "signal-is-no-timeout",
    "Death by signal is not a timeout",
    "inspect_ai test_exec_timeout_not_raised_on_fast_signal_death",
    ["sh -c 'kill -TERM $$'", { output: /^(Terminated\n)?$/, status: 143 }],
  ),
  steps(
    "own-signal",
    "A shell that kills itself is not a timeout",
    "inspect_ai test_exec_timeout_not_raised_on_fast_signal_death",
    ["echo a; kill -TERM $$; echo b", { output: "a\n", status: 143, stateLost: true }],
    ["kill -9 $$", { output: "", status: 137, stateLost: true }],
    ["echo still here", "still here\n"],
  ),
  steps(
    "status-124",
    "A command that says 124 itself is not a timeout",
    "inspect_ai: disambiguated by elapsed time",
    ["(exit 124)", { output: "", status: 124 }],
    ["timeout 0.2 sleep 5", { status: 143 }],
  ),
  check(
    "background",
    "A command in the background holds nothing up, and is over with its command",
    "section 2: `sleep 20 & echo hi` returns after 2 s",
    async (stage) => {
      const sandbox = await stage.shared();
      const result = await stage.run(sandbox, "sleep 81 & (sleep 82; echo late) & echo hi");
      expectResult("sleep &", result, "hi\n");
      holds("milliseconds", Math.round(result.durationMs), "less than 4000", result.durationMs < 4000);
      // A zombie is over; on a busy machine it waits a moment for its parent.
      expectResult("ps", await stage.run(sandbox, "ps -o stat,args | grep -v '^Z' | grep -c '[s]leep'"), {
        output: "0\n",
        status: 1,
      });
    },
  ),
  check(
    "daemon",
    "A daemon that holds the output open is over with its command",
    "moby#33039; Harbor#974",
    async (stage) => {
      const sandbox = await stage.shared();
      const result = await stage.run(
        sandbox,
        "setsid sh -c 'while sleep 0.1; do echo x; echo x >>/tmp/daemon; done' & sleep 0.5; echo made",
      );
      same("status", [result.status, result.timedOut], [0, false]);
      const before = await stage.run(sandbox, "wc -l </tmp/daemon; sleep 0.6");
      const after = await stage.run(sandbox, "wc -l </tmp/daemon; rm /tmp/daemon");
      same("lines that the daemon wrote later", after.output, before.output);
    },
  ),
  check(
    "after-timeout",
    "The state of before a timeout still holds",
    "a hang must not poison the next command",
    async (stage) => {
      const sandbox = await stage.open();
      await stage.run(sandbox, "cd /srv/box; export KEPT=yes");
      expectResult("sleep", await stage.run(sandbox, "cd /tmp; export KEPT=no; sleep 75", 1200), {
        timedOut: true,
      });
      expectResult("pwd", await stage.run(sandbox, "pwd; echo $KEPT"), "/srv/box\nyes\n");
    },
  ),
  check(
    "abort",
    "A command that is called off ends at once",
    "Ctrl-C must not wait for a command",
    async (stage) => {
      const sandbox = await stage.open();
      const began = performance.now();
      const outcome = await sandbox.run("sleep 20", { signal: AbortSignal.timeout(500) }).then(
        () => "a result",
        () => "an error",
      );
      const tookMs = Math.round(performance.now() - began);
      same("what the caller gets", outcome, "an error");
      holds("milliseconds", tookMs, "less than 5000", tookMs < 5000);
    },
  ),
];
