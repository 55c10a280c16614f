// What the tests of the Docker provider share: the engine of this machine, worlds, and a small world to put into them.

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, type SandboxLimits, type World } from "../../src/sandbox/contract.ts";
import { DockerProvider } from "../../src/sandbox/docker/docker-provider.ts";
import { connectEngine, type Engine } from "../../src/sandbox/docker/engine.ts";
import { buildImage, imageId } from "../../src/sandbox/docker/image.ts";

// Tests leave the user's record of images alone.
process.env.XDG_STATE_HOME = mkdtempSync(join(tmpdir(), "sekft-state-"));

/** The engine of this machine; undefined when none answers. */
export const engine: Engine | undefined = await connectEngine().catch(() => undefined);

/** Whether the engine answers and the twin can be made. */
export const hasDocker = engine !== undefined && Bun.which("dash") !== null && existsSync("/bin/busybox");

/** A tag of the tests' own, so that a running sekft keeps its image. */
export const testTag = "sekft-sandbox-test:latest";

/** Id of the twin, built when the engine has none: each file of tests takes it away at its end. */
export async function testImage(): Promise<string> {
  const there = await imageId(engine!, testTag);
  return there ?? (await buildImage(engine!, { offline: true, tag: testTag })).id;
}

/** A provider over the engine of this machine. */
export async function openDocker(limits: Partial<SandboxLimits> = {}): Promise<DockerProvider> {
  return new DockerProvider(engine!, await testImage(), { ...defaultLimits, ...limits });
}

/** Home directory of the small world. */
export const home = ["/home", "ann"].join("/");

/** A world with a file in its home, a provider program and a message of the day. */
export function smallWorld(changes: Partial<World> = {}): World {
  return {
    id: "small",
    user: "ann",
    host: "sek",
    dirs: [{ path: "/srv/box" }],
    fixtures: [
      { path: `${home}/a.txt`, content: "alpha\n" },
      { path: "/etc/motd", content: "ask /usr/local/bin/desk\n" },
    ],
    env: {},
    provider: { path: "/usr/local/bin/desk", script: "#!/bin/sh\necho usage\n" },
    announcement: { kind: "motd", login: "ask /usr/local/bin/desk\n" },
    ...changes,
  };
}
