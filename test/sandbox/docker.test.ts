// Worlds in containers of a real engine: what holds inside, what reaches them, what is left of them.

import { afterAll, describe, expect } from "bun:test";
import { InfrastructureError } from "../../src/base/errors.ts";
import { FIXTURE_MTIME, type Sandbox, WORLD_ROOTS, type World } from "../../src/sandbox/contract.ts";
import type { DockerWorld } from "../../src/sandbox/docker/docker-world.ts";
import { need } from "../setup.ts";
import { engine, hasDocker, home, openDocker, smallWorld, testTag } from "./docker-engine.ts";

const test = need("docker", hasDocker);

async function inWorld(use: (world: Sandbox) => Promise<void>, changes: Partial<World> = {}, limits = {}) {
  await using provider = await openDocker(limits);
  await using world = await provider.open(smallWorld(changes));
  await use(world);
}

const say = async (world: Sandbox, command: string) => (await world.run(command)).output;

async function failureOf(promise: Promise<unknown>): Promise<InfrastructureError> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(InfrastructureError);
  return error;
}

afterAll(async () => {
  await engine?.docker
    .getImage(testTag)
    .remove()
    .catch(() => {});
});

describe("inside a world", () => {
  test("no capability is held, none can be gained, and system calls are filtered", () =>
    inWorld(async (world) => {
      const status = await say(world, "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status");
      for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
        expect(status).toContain(`Cap${set}:\t0000000000000000\n`);
      expect(status).toContain("NoNewPrivs:\t1\n");
      expect(status).toContain("Seccomp:\t2\n");
    }));

  test("there is no network but the loopback", () =>
    inWorld(async (world) => {
      expect(await say(world, "ip -o -4 addr | awk '{print $2}'; wc -l </proc/net/route")).toBe("lo\n1\n");
    }));

  test("the files that the container runtime opens before each start cannot be replaced, others in /etc can be made", () =>
    inWorld(async (world) => {
      const replace =
        "cd /etc; rm passwd; mv group old; mkfifo passwd; ln -sf /dev/null motd; echo own >own && cat own; rm own";
      const { output } = await world.run(
        `{ ${replace}; } 2>&1 | grep -v 'Operation not permitted\\|File exists'`,
      );
      expect(output).toBe("own\n");
      expect(await say(world, "head -n 1 /etc/passwd; cat /etc/motd")).toBe(
        "root:x:0:0:root:/root:/bin/sh\nask /usr/local/bin/desk\n",
      );
      expect((await world.check("exit 0")).passed).toBe(true);
    }));

  test("only the roots can be written, and they are the operator's or open to it", () =>
    inWorld(async (world) => {
      expect(
        await say(
          world,
          "for d in / /bin /usr /lib /root /run; do : >$d/x; done 2>&1 | grep -vc 'Read-only\\|Permission'",
        ),
      ).toBe("0\n");
      const owners = await say(
        world,
        `stat -c '%n %u %a' ${WORLD_ROOTS.join(" ")}; touch ${WORLD_ROOTS.map((root) => `${root}/x`).join(" ")}`,
      );
      const owned = (root: string) => (root === "/etc" ? "0 1775" : "1000 755");
      expect(owners).toBe(WORLD_ROOTS.map((root) => `${root} ${owned(root)}\n`).join(""));
    }));

  test("processes, memory, files and disk are limited", () =>
    inWorld(
      async (world) => {
        const limit = "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null";
        expect((await say(world, limit)).trim()).toBe("40");
        expect(await say(world, "ulimit -n; ulimit -c")).toBe("1024\n0\n");
        const full = await world.run("dd if=/dev/zero of=/srv/big bs=1M count=3; wc -c </srv/big");
        expect(full.output).toContain("No space left on device");
        expect(full.output).toEndWith(`${2 * 2 ** 20}\n`);
        const hog = await world.run("x=$(head -c 100000000 /dev/zero | tr '\\0' a); echo ${#x}");
        expect(hog.status).not.toBe(0);
        expect(
          await say(world, "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done 2>&1 | tail -n 1"),
        ).toContain("fork");
        expect(await say(world, "echo well")).toBe("well\n");
      },
      {},
      { processes: 40, memoryBytes: 48 * 2 ** 20, diskBytes: 2 * 2 ** 20 },
    ));

  test("/etc holds what the world has, and nothing of the engine's", () =>
    inWorld(
      async (world) => {
        expect(await say(world, "ls -A /etc; cat /etc/hosts; mv /etc/hosts /etc/h; hostname")).toBe(
          "group\nhosts\nmotd\npasswd\nmine\nsek\n",
        );
      },
      {
        fixtures: [
          { path: "/etc/hosts", content: "mine\n" },
          { path: "/etc/motd", content: "x\n" },
        ],
      },
    ));

  test("the environment of a session is exactly its own", () =>
    inWorld(async (world) => {
      expect((await say(world, "env")).trim().split("\n").sort()).toEqual([
        `HOME=${home}`,
        "LC_ALL=C.UTF-8",
        "LOGNAME=ann",
        "PATH=/usr/local/bin:/bin",
        `PWD=${home}`,
        "SHELL=/bin/dash",
        "TERM=dumb",
        "TZ=UTC",
        "USER=ann",
      ]);
    }));

  test("files have the owner, mode, time and name they were given", () => {
    const long = `/srv/${"d".repeat(120)}/${"f".repeat(200)}`;
    const odd = `${home}/-x 'y" \t\n$(id) größe`;
    return inWorld(
      async (world) => {
        const stat = (path: string) =>
          say(world, `stat -c '%u:%g %a %Y' -- '${path.replaceAll("'", "'\\''")}'`);
        expect(await stat(odd)).toBe(`1000:1000 600 ${FIXTURE_MTIME}\n`);
        expect(await stat(long)).toBe(`1000:1000 644 ${FIXTURE_MTIME}\n`);
        expect(await stat("/usr/local/bin/desk")).toBe(`0:0 755 ${FIXTURE_MTIME}\n`);
        expect(await stat("/etc/motd")).toBe(`0:0 644 ${FIXTURE_MTIME}\n`);
        expect(await stat("/srv/closed")).toBe(`1000:1000 500 ${FIXTURE_MTIME}\n`);
        expect(await stat(home)).toBe(`1000:1000 755 ${FIXTURE_MTIME}\n`);
        expect(await say(world, "cat /srv/closed/in; desk")).toBe("in\nusage\n");
      },
      {
        dirs: [{ path: "/srv/closed", mode: "0500" }],
        fixtures: [
          { path: odd, content: "odd", mode: "0600" },
          { path: long, content: "long" },
          { path: "/srv/closed/in", content: "in\n" },
          { path: "/etc/motd", content: "x\n" },
        ],
      },
    );
  });
});

describe("the end of a world", () => {
  test("is sandbox_dead when its container is killed", () =>
    inWorld(async (world) => {
      await (world as DockerWorld).container.kill();
      expect((await failureOf(world.run("true"))).kind).toBe("sandbox_dead");
    }));

  test("is oom when its files leave no memory to start a program", () =>
    inWorld(
      async (world) => {
        const fill = "for d in /tmp /var /srv /opt /home; do head -c 15000000 /dev/zero >$d/x; done";
        const failure = await failureOf(world.run(fill).then(() => world.run("true")));
        expect(failure.kind).toBe("oom");
      },
      {},
      { memoryBytes: 40 * 2 ** 20 },
    ));

  test("leaves neither container nor volume", async () => {
    const labels = (world: Sandbox) => (world as DockerWorld).volumes;
    await using provider = await openDocker();
    const world = await provider.open(smallWorld());
    const names = [...labels(world).values()];
    expect(names).toHaveLength(WORLD_ROOTS.length);
    await world.check("exit 0");
    await world.close();
    await world.close();
    const { Volumes } = await engine!.docker.listVolumes();
    expect((Volumes ?? []).filter(({ Name }) => names.includes(Name))).toEqual([]);
  });

  test("comes when the process that holds it is killed, without any help", async () => {
    const script = `
      const { openDocker, smallWorld } = await import(${JSON.stringify(`${import.meta.dir}/docker-engine.ts`)});
      const world = await (await openDocker()).open(smallWorld());
      console.log(world.container.id);
      await new Promise(() => {});`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stdin: "pipe" });
    const first = await child.stdout.getReader().read();
    const id = new TextDecoder().decode(first.value).trim();
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    child.kill("SIGKILL");
    await child.exited;
    const until = Date.now() + 10_000;
    let isThere = true;
    while (isThere && Date.now() < until) {
      isThere = await engine!.docker
        .getContainer(id)
        .inspect()
        .then(
          () => true,
          () => false,
        );
      if (isThere) await Bun.sleep(50);
    }
    expect(isThere).toBe(false);
  });
});

describe("a checker", () => {
  test("reads every file as root, changes none, and judges by its status", () =>
    inWorld(async (world) => {
      await world.run("mkdir /srv/v; echo x >/srv/v/f; chmod 000 /srv/v/f /srv/v");
      const checker =
        "cat /srv/v/f; echo $SEK_HOME; pwd; (: >$SEK_HOME/new) 2>/dev/null || echo read-only; exit 7";
      expect(await world.check(checker)).toEqual({
        passed: false,
        status: 7,
        output: `x\n${home}\n/\nread-only\n`,
        timedOut: false,
      });
    }));

  test("is not fooled by a daemon, replaced programs or a file that says passed", () =>
    inWorld(async (world) => {
      await world.run("(while :; do echo done >~/result; sleep 0.1; done) & rm -f ~/result");
      await world.run(
        "mkdir -p /usr/local/bin; printf '#!/bin/sh\\nexit 0\\n' >/usr/local/bin/test; echo 0 >/tmp/verdict",
      );
      const { passed } = await world.check("test -e $SEK_HOME/result");
      expect(passed).toBe(false);
    }));

  test("cannot be forged by a program of the operator that it runs", () =>
    inWorld(async (world) => {
      await world.run("printf '#!/bin/sh\\nkill -9 $PPID 1; exit 0\\n' >~/run; chmod +x ~/run");
      expect((await world.check("$SEK_HOME/run; exit 4")).passed).toBe(false);
    }));

  test("has a time of its own", () =>
    inWorld(async (world) => {
      const verdict = await world.check("echo begun; sleep 60", { timeoutMs: 700 });
      expect(verdict).toEqual({ passed: false, status: 124, output: "begun\n", timedOut: true });
    }));
});

test("eight worlds at a time do not meet", async () => {
  await using provider = await openDocker();
  const outputs = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      await using world = await provider.open(smallWorld({ id: `w${i}` }));
      await world.run(`echo ${i} >>/srv/mine; cd /srv`);
      const seen = await say(world, "cat mine; ls /srv /tmp | wc -l");
      return seen + (await world.check(`[ "$(cat /srv/mine)" = ${i} ]`)).passed;
    }),
  );
  expect(outputs).toEqual(Array.from({ length: 8 }, (_, i) => `${i}\n5\ntrue`));
});
