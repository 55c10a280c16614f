// An engine of the test's own dies under a world: that is the engine's fault, never the operator's.

import { expect } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InfrastructureError } from "../../src/base/errors.ts";
import { defaultLimits } from "../../src/sandbox/contract.ts";
import { DockerProvider } from "../../src/sandbox/docker/docker-provider.ts";
import { connectEngine, type Engine } from "../../src/sandbox/docker/engine.ts";
import { buildImage } from "../../src/sandbox/docker/image.ts";
import { need } from "../setup.ts";
import { hasDocker, smallWorld, testTag } from "./docker-engine.ts";

const canStart = hasDocker && process.getuid?.() === 0 && Bun.which("dockerd") !== null;
const test = need("docker", canStart);

async function startEngine(folder: string) {
  const socket = join(folder, "engine.sock");
  const engine = Bun.spawn(
    [
      "dockerd",
      "--storage-driver=vfs",
      "--iptables=false",
      "--bridge=none",
      `--data-root=${join(folder, "data")}`,
      `--exec-root=${join(folder, "exec")}`,
      `--pidfile=${join(folder, "pid")}`,
      `--host=unix://${socket}`,
    ],
    { stdout: "ignore", stderr: Bun.file(join(folder, "log")) },
  );
  let connected: Engine | undefined;
  for (let i = 0; i < 150 && connected === undefined; i++) {
    await Bun.sleep(200);
    if (existsSync(socket)) connected = await connectEngine(`unix://${socket}`).catch(() => undefined);
  }
  if (!connected)
    throw new Error(`the second engine did not start: ${await Bun.file(join(folder, "log")).text()}`);
  return { engine, connected };
}

async function kindOf(promise: Promise<unknown>): Promise<unknown> {
  const error = await promise.then(
    () => undefined,
    (thrown) => thrown,
  );
  return error instanceof InfrastructureError ? error.kind : error;
}

test("an engine that dies during a command, before one, before a checker and before a world is provider_dead", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sekft-engine-"));
  const { engine, connected } = await startEngine(folder);
  try {
    const { id } = await buildImage(connected, { offline: true, tag: testTag });
    const provider = new DockerProvider(connected, id, defaultLimits);
    const busy = await provider.open(smallWorld());
    const idle = await provider.open(smallWorld({ id: "idle" }));
    expect((await busy.run("echo up")).output).toBe("up\n");
    const during = kindOf(busy.run("sleep 30", { timeoutMs: 20_000 }));
    await Bun.sleep(500);
    engine.kill("SIGKILL");
    await engine.exited;
    expect(await during).toBe("provider_dead");
    expect(await kindOf(idle.run("true"))).toBe("provider_dead");
    expect(await kindOf(idle.check("exit 0"))).toBe("provider_dead");
    expect(await kindOf(provider.open(smallWorld()))).toBe("provider_dead");
    await busy.close();
    await idle.close();
  } finally {
    engine.kill("SIGKILL");
    await endRemains(folder);
  }
}, 120_000);

/** What an engine that was killed leaves: its containerd, the worlds' shims, mounts. Only those of `folder` are ended. */
async function endRemains(folder: string): Promise<void> {
  const { stdout } = Bun.spawnSync(["ps", "-eo", "pid=,args="]);
  for (const line of stdout.toString().split("\n")) {
    const pid = Number.parseInt(line, 10);
    if (line.includes(folder) && pid !== process.pid) process.kill(pid, "SIGKILL");
  }
  await Bun.sleep(300);
  const mounts = (await Bun.file("/proc/self/mounts").text())
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  for (const place of mounts.filter((path) => path.startsWith(folder)).reverse())
    Bun.spawnSync(["umount", "-l", place]);
  rmSync(folder, { recursive: true, force: true });
}
