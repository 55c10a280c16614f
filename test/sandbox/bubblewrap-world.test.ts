// A bubblewrap world from outside: what it is made of, what an operator cannot do in it, how it ends.

import { expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { InfrastructureError } from "../../src/base/errors.ts";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import { need } from "../setup.ts";
import { ALONE, HOME, hasBubblewrap, inWorld, plainWorld } from "./bubblewrap-machine.ts";

const test = need("bubblewrap", hasBubblewrap);

test("files, modes, owners and times are those of the bundle", () =>
  inWorld(async (sandbox) => {
    const { output } = await sandbox.run(
      "stat -c '%n %a %U %Y' ~/notes.txt /srv/closed /usr/local/bin/desk; cat notes.txt; desk; id; hostname",
    );
    expect(output).toBe(
      [
        `${HOME}/notes.txt 644 alice 1763000000`,
        "/srv/closed 0 alice 1763000000",
        "/usr/local/bin/desk 755 alice 1763000000",
        "one",
        "do it",
        "uid=1000(alice) gid=1000(alice)",
        "sek",
        "",
      ].join("\n"),
    );
  }));

test("program and announcement can be neither changed, removed, replaced nor moved away", () =>
  inWorld(async (sandbox) => {
    const attempts = [
      "echo x >/usr/local/bin/desk",
      "rm -f /usr/local/bin/desk",
      "mv /usr/local/bin /usr/local/b",
      "chmod 644 /usr/local/bin/desk",
      "ln -sf /bin/true /usr/local/bin/desk",
      "mv ~/notes.txt /etc/motd",
      "echo root2:x:0:0::/:/bin/sh >>/etc/passwd",
      "touch /bin/x",
      "echo 1 >/proc/sys/user/max_user_namespaces",
      "kill -9 1 && ls /proc/1/fd",
      "unshare -Ur true",
    ];
    for (const attempt of attempts)
      expect(`${attempt}: ${(await sandbox.run(attempt)).status === 0}`).toBe(`${attempt}: false`);
    expect(
      (await sandbox.run("desk; cat /etc/motd; cp ~/notes.txt /usr/local/bin/mine; ls /usr/local/bin"))
        .output,
    ).toBe("do it\nRun desk.\ndesk\nmine\n");
  }));

test("each root holds its own bytes and no more, one process its memory, a world its processes", () =>
  inWorld(
    async (sandbox) => {
      const disk = await sandbox.run(
        "dd if=/dev/zero of=/tmp/a bs=1M count=8 2>&1 | head -1; wc -c </tmp/a; echo x >/srv/x && cat /srv/x",
      );
      expect(disk.output).toContain("No space left on device");
      expect(disk.output).toEndWith("\n4194304\nx\n");
      expect((await sandbox.run("head -c 100000000 /dev/zero | tail -c 100000000 | wc -c")).output).toContain(
        "0",
      );
      expect((await sandbox.run("ulimit -p; ulimit -c")).output).toBe("40\n0\n");
    },
    { diskBytes: 4 * 2 ** 20, memoryBytes: 64 * 2 ** 20, processes: 40 },
  ));

test("the checker is root over files that it can read and not write, when no process of the operator is left", () =>
  inWorld(async (sandbox) => {
    await sandbox.run(
      "echo mine >/srv/closed-file; chmod 0 /srv/closed-file; ln -sf /bin/false /srv/ls; (setsid sleep 99 &)",
    );
    const verdict = await sandbox.check(
      'id -u; pwd; echo "$PATH $SEK_HOME"; cat /srv/closed-file; touch /tmp/x /srv/x /x 2>&1 | wc -l; cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -c "^sleep"; exit 7',
    );
    expect(verdict).toEqual({
      passed: false,
      status: 7,
      output: `0\n/\n/bin ${HOME}\nmine\n3\n0\n`,
      timedOut: false,
    });
    expect((await sandbox.check("test -f /srv/closed-file")).passed).toBe(true);
    const late = await sandbox.check("sleep 60", { timeoutMs: 200 });
    expect([late.passed, late.status, late.timedOut]).toEqual([false, 124, true]);
    expect(await sandbox.run("true").catch((error) => error)).toBeInstanceOf(InfrastructureError);
  }));

test("a world that is closed while a command runs says so, and can be closed again", async () => {
  await using provider = openBubblewrap();
  const sandbox = await provider.open(plainWorld);
  const running = sandbox.run("sleep 60").catch((error) => error);
  await Bun.sleep(100);
  await sandbox.close();
  expect(await running).toBeInstanceOf(InfrastructureError);
  expect((await running).kind).toBe("sandbox_dead");
  await sandbox.close();
});

test("an aborted command ends with the signal's reason and the session goes on", () =>
  inWorld(async (sandbox) => {
    const reason = new Error("enough");
    const error = await sandbox
      .run("sleep 60", { signal: AbortSignal.timeout(100) })
      .catch((problem) => problem);
    expect(error.name).toBe("TimeoutError");
    expect(await sandbox.run("true", { signal: AbortSignal.abort(reason) }).catch((problem) => problem)).toBe(
      reason,
    );
    expect((await sandbox.run(ALONE)).output).toBe("1\n");
  }));

/** Processes whose command line holds `word`. */
function processesWith(word: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(word);
    } catch {
      return false;
    }
  });
}

test("everything dies with a maker that is killed, and clean removes its record only", async () => {
  const mark = `host-${process.pid}`;
  const script = `
    const { openBubblewrap } = await import(${JSON.stringify(`${import.meta.dir}/../../src/sandbox/bubblewrap/provider.ts`)});
    const sandbox = await openBubblewrap().open(${JSON.stringify({ ...plainWorld, host: mark })});
    console.log("open");
    await sandbox.run("setsid sleep 4321 & sleep 4321");`;
  const maker = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  for await (const _ of maker.stdout) break;
  await Bun.sleep(200);
  expect(processesWith(mark).length).toBeGreaterThan(1);
  maker.kill("SIGKILL");
  await maker.exited;
  for (let i = 0; i < 100 && processesWith(mark).length + processesWith("sleep\x004321").length > 0; i++)
    await Bun.sleep(20);
  expect([...processesWith(mark), ...processesWith("sleep\x004321")]).toEqual([]);
  await inWorld(async (sandbox, provider) => {
    const named = (await provider.clean({ dryRun: true })).filter((name) => name.endsWith(` ${maker.pid}`));
    expect(named.length).toBe(1);
    expect((await provider.clean()).filter((name) => name.endsWith(` ${maker.pid}`))).toEqual(named);
    expect((await sandbox.run("echo alive")).output).toBe("alive\n");
  });
});

/** As root the tests try the ordinary user, too. */
const asUser = process.getuid?.() === 0 && existsSync("/usr/bin/setpriv");
need("bubblewrap", hasBubblewrap && asUser)("an ordinary user's worlds are the same", async () => {
  const script = `
    const { openBubblewrap } = await import(${JSON.stringify(`${import.meta.dir}/../../src/sandbox/bubblewrap/provider.ts`)});
    await using sandbox = await openBubblewrap().open(${JSON.stringify(plainWorld)});
    const { output } = await sandbox.run("id; desk; echo x >/etc/motd; b() { b | b & }; b");
    const verdict = await sandbox.check("test ! -e /srv/closed/x && cat /etc/motd && exit 0");
    console.log(JSON.stringify([output.split("\\n").slice(0, 3), verdict.passed]));`;
  const user = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = Bun.spawn([...user, process.execPath, "-e", script], {
    env: { TMPDIR: "/tmp" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, error] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect(out || error).toBe(
    `${JSON.stringify([["uid=1000(alice) gid=1000(alice)", "do it", "/bin/sh: 1: cannot create /etc/motd: Read-only file system"], true])}\n`,
  );
});
