// The sandboxes of this machine for tests that hold for both, and a way to run many worlds at a time behind one test each.

import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import {
  defaultLimits,
  type ProviderName,
  type SandboxLimits,
  type SandboxProvider,
} from "../../src/sandbox/contract.ts";
import { DockerProvider } from "../../src/sandbox/docker/docker-provider.ts";
import { connectEngine } from "../../src/sandbox/docker/engine.ts";
import { buildImage } from "../../src/sandbox/docker/image.ts";

// Tests leave the user's record of images alone.
process.env.XDG_STATE_HOME = mkdtempSync(join(tmpdir(), "sekft-state-"));

const engine = await connectEngine().catch(() => undefined);
const programs = Bun.which("dash") !== null && existsSync("/bin/busybox");

/** A sandbox, and whether this machine has it. */
export interface TestedProvider {
  readonly name: ProviderName;
  readonly isHere: boolean;
  open(limits?: Partial<SandboxLimits>): Promise<SandboxProvider>;
}

export const testedProviders: readonly TestedProvider[] = [
  {
    name: "docker",
    isHere: engine !== undefined && programs,
    async open(limits = {}) {
      const { id } = await buildImage(engine!, { offline: true, tag: "sekft-sandbox-suite:latest" });
      return new DockerProvider(engine!, id, { ...defaultLimits, ...limits });
    },
  },
  {
    name: "bubblewrap",
    isHere: programs && Bun.which("bwrap") !== null,
    async open(limits = {}) {
      return openBubblewrap({ limits });
    },
  },
];

/** Containers of this process that are there, running or not. */
export async function ownContainers(): Promise<readonly string[]> {
  if (!engine) return [];
  const filters = { label: [`sekft.pid=${process.pid}`] };
  const containers = await engine.docker.listContainers({ all: true, filters });
  return containers.map(({ Id, Command }) => `${Id.slice(0, 12)} ${Command}`);
}

/** Starts `run` for every item, `jobs` at a time, when the first result is asked for; gives each item's result. */
export function inLanes<T, R>(
  items: readonly T[],
  jobs: number,
  run: (item: T) => Promise<R>,
): (item: T) => Promise<R> {
  const results = new Map<T, PromiseWithResolvers<R>>(
    items.map((item) => [item, Promise.withResolvers<R>()]),
  );
  for (const { promise } of results.values()) promise.catch(() => {});
  let isStarted = false;
  const start = () => {
    isStarted = true;
    const waiting = [...items];
    const work = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift())
        await run(item).then(results.get(item)!.resolve, results.get(item)!.reject);
    };
    for (let i = 0; i < jobs; i++) void work();
  };
  return (item) => {
    if (!isStarted) start();
    return results.get(item)!.promise;
  };
}
