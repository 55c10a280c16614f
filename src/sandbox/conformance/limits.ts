// What a command may use up: it reaches its limit, the machine and the next command do not.

import { type Check, inGroup } from "./check.ts";
import { expectResult, holds, same } from "./expectations.ts";
import type { Stage } from "./stage.ts";

const { check } = inGroup("limits");

async function goesOn(stage: Stage, sandbox: Awaited<ReturnType<Stage["open"]>>): Promise<void> {
  expectResult("echo", await stage.run(sandbox, "echo on | cat; ls ~/note.txt >/dev/null"), "on\n");
}

export const limits: readonly Check[] = [
  check(
    "processes",
    "A fork bomb stays in its world",
    "section 2: zombies fill the pids limit for ever",
    async (stage) => {
      const sandbox = await stage.open();
      const began = performance.now();
      await stage.run(sandbox, "b() { b | b & }; b; sleep 20", 4000);
      const tookMs = Math.round(performance.now() - began);
      holds("milliseconds until it was over", tookMs, "less than 20000", tookMs < 20_000);
      await goesOn(stage, sandbox);
      const { output } = await stage.run(sandbox, "ps -o pid | wc -l");
      holds("processes left", output, "at most 10 lines", Number(output) <= 10);
    },
  ),
  check("process-count", "Processes are counted", "section 2: pids limit", async (stage) => {
    stage.needs("processes");
    const sandbox = await stage.open();
    const { output } = await stage.run(
      sandbox,
      "i=0; while [ $i -lt 400 ]; do sleep 30 & i=$((i + 1)); done 2>&1; echo all",
      8000,
    );
    holds(
      "what the shell says to the 400th process",
      output.slice(-200),
      "that it cannot fork",
      !output.includes("all") || /fork/.test(output),
    );
    await goesOn(stage, sandbox);
  }),
  check(
    "memory",
    "A command that takes all memory dies, and the world goes on",
    "section 2: OOMKilled=false, container running",
    async (stage) => {
      stage.needs("memory");
      const sandbox = await stage.open();
      const megabytes = Math.ceil((stage.provider.limits.memoryBytes * 2) / 2 ** 20);
      const result = await stage.run(
        sandbox,
        `head -c ${megabytes}m /dev/zero | tail -c ${megabytes}m | wc -c; echo done`,
        20_000,
      );
      holds(
        "bytes that fitted",
        result.output.trim(),
        `not ${megabytes} MiB`,
        !result.output.includes(String(megabytes * 2 ** 20)),
      );
      await goesOn(stage, sandbox);
    },
  ),
  check(
    "disk",
    "A full disk is the command's own trouble",
    "section 2: tmpfs full: ENOSPC, container healthy",
    async (stage) => {
      stage.needs("disk");
      const sandbox = await stage.open();
      const megabytes = Math.ceil((stage.provider.limits.diskBytes * 2) / 2 ** 20);
      for (const root of ["/tmp", "/home", "/srv", "/opt", "/etc", "/var", "/usr/local"]) {
        const { output } = await stage.run(
          sandbox,
          `dd if=/dev/zero of=${root}/fill bs=1M count=${megabytes} 2>&1 | grep -o 'No space.*'; stat -c %s ${root}/fill`,
        );
        holds(
          `bytes in ${root}`,
          output,
          `No space left and less than ${megabytes} MiB`,
          output.startsWith("No space") && Number(output.split("\n")[1]) < megabytes * 2 ** 20,
        );
        await goesOn(stage, sandbox);
      }
      expectResult("rm", await stage.run(sandbox, "rm /*/fill /usr/local/fill; echo x >~/y; cat ~/y"), "x\n");
    },
  ),
  check("inodes", "Names are limited too", "a disk can be filled without a byte", async (stage) => {
    stage.needs("disk");
    const sandbox = await stage.open();
    await stage.run(
      sandbox,
      "cd /tmp; mkdir n; cd n; i=0; while [ $i -lt 40000 ]; do : >$i || break; i=$((i + 1)); done 2>&1 | tail -1",
      8000,
    );
    await goesOn(stage, sandbox);
    expectResult("rm", await stage.run(sandbox, "cd /; rm -rf /tmp/n; echo x >/tmp/y; cat /tmp/y"), /x\n$/);
  }),
  check(
    "shared-memory",
    "Shared memory is no way around the limit",
    "section 2: /dev/shm is writable under --read-only",
    async (stage) => {
      const { output } = await stage.run(
        await stage.open(),
        "dd if=/dev/zero of=/dev/shm/fill bs=1M count=64 2>/dev/null; stat -c %s /dev/shm/fill 2>/dev/null || echo 0",
      );
      holds("bytes in /dev/shm", output, "at most 16 MiB", Number(output) <= 16 * 2 ** 20);
    },
  ),
  check(
    "descriptors",
    "Open files are limited, cores are not written",
    "section 2: --ulimit",
    async (stage) => {
      const { output } = await stage.run(await stage.shared(), "ulimit -n; ulimit -c; ulimit -H -n");
      const [open, core, hard] = output.trim().split("\n");
      holds("open files", open, "at most 4096", Number(open) <= 4096);
      holds("open files, hard", hard, "at most 4096", Number(hard) <= 4096);
      same("size of a core", core, "0");
    },
  ),
  check(
    "many-files",
    "A name of 255 bytes and a path of 4,000 work as on any disk",
    "huge names",
    async (stage) => {
      const sandbox = await stage.open();
      expectResult(
        "touch",
        await stage.run(
          sandbox,
          "n=$(head -c 255 /dev/zero | tr '\\0' n); : >$n && ls | grep -c nnn; : >${n}x",
        ),
        { output: /^1\n.*File name too long\n$/s, status: 2 },
      );
      await stage.run(
        sandbox,
        "d=$(head -c 200 /dev/zero | tr '\\0' d); cd /tmp; i=0; while [ $i -lt 30 ]; do mkdir $d && cd $d || break; i=$((i + 1)); done; echo $i",
      );
      expectResult("cd", await stage.run(sandbox, "cd ~; echo on"), { output: /on\n$/, status: 0 });
    },
  ),
];
