// What is left behind and what is removed: only what belongs to a run that is dead.

import { afterAll, describe, expect } from "bun:test";
import { cleanEngine } from "../../src/sandbox/docker/clean.ts";
import type { DockerWorld } from "../../src/sandbox/docker/docker-world.ts";
import { ownRun, runLives } from "../../src/sandbox/run-identity.ts";
import { need } from "../setup.ts";
import { engine, hasDocker, openDocker, smallWorld, testImage, testTag } from "./docker-engine.ts";

const test = need("docker", hasDocker);

type Labels = Record<string, string>;
const labelsOf = (identity: Partial<typeof ownRun>): Labels => {
  const { run, pid, boot, host } = { ...ownRun, run: "cleaned", ...identity };
  return { "sekft.run": run, "sekft.pid": `${pid}`, "sekft.boot": boot, "sekft.host": host };
};
const dead = labelsOf({ boot: `${ownRun.boot}9` });
const made: (() => Promise<unknown>)[] = [];

async function container(labels: Labels) {
  const { docker } = engine!;
  const started = await docker.createContainer({
    Image: await testImage(),
    Entrypoint: ["/bin/sleep"],
    Cmd: ["1000"],
    Labels: labels,
    HostConfig: { NetworkMode: "none" },
  });
  made.push(() => started.remove({ force: true }));
  await started.start();
  return started;
}

async function volume(labels: Labels) {
  const name = `sekft-test-${Math.random().toString(36).slice(2)}`;
  await engine!.docker.createVolume({ Name: name, Labels: labels });
  made.push(() => engine!.docker.getVolume(name).remove());
  return engine!.docker.getVolume(name);
}

const isThere = (thing: { inspect(): Promise<unknown> }) =>
  thing.inspect().then(
    () => true,
    () => false,
  );

afterAll(async () => {
  for (const remove of made) await remove().catch(() => {});
  await engine?.docker
    .getImage(testTag)
    .remove()
    .catch(() => {});
});

describe("a process", () => {
  test("lives while its number and its start are the same", () => {
    expect(runLives(ownRun)).toBe(true);
    expect(runLives({ ...ownRun, boot: `${ownRun.boot}9` })).toBe(false);
    expect(runLives({ ...ownRun, pid: 2 ** 22 + 1 })).toBe(false);
  });
  test("of another machine is not judged", () => {
    expect(runLives({ ...ownRun, host: "elsewhere", boot: "other:1" })).toBeUndefined();
  });
  test("is dead once it has ended", async () => {
    const child = Bun.spawn(["sleep", "100"]);
    const stat = await Bun.file(`/proc/${child.pid}/stat`).text();
    const start = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    const identity = { ...ownRun, pid: child.pid, boot: ownRun.boot.replace(/[^:]*$/, `${start}`) };
    expect(runLives(identity)).toBe(true);
    child.kill();
    await child.exited;
    expect(runLives(identity)).toBe(false);
  });
});

describe("cleaning", () => {
  test("removes containers and volumes of dead runs and touches nothing else", async () => {
    const left = [await container(dead), await volume(dead)];
    const kept = [
      await container(labelsOf({})),
      await container({ "somebody.else": "1" }),
      await container(labelsOf({ host: "elsewhere", boot: "other:1" })),
      await container({ "sekft.run": "without the rest" }),
      await volume({ "somebody.else": "1" }),
      await volume(labelsOf({})),
    ];
    await using provider = await openDocker();
    const world = (await provider.open(smallWorld())) as DockerWorld;

    const planned = await cleanEngine(engine!, { dryRun: true });
    expect(await Promise.all(left.map(isThere))).toEqual([true, true]);
    const removed = await cleanEngine(engine!);
    expect(planned.filter((name) => removed.includes(name)).length).toBeGreaterThanOrEqual(2);
    expect(await Promise.all(left.map(isThere))).toEqual([false, false]);
    expect(await Promise.all(kept.map(isThere))).toEqual(kept.map(() => true));
    expect((await world.run("echo alive")).output).toBe("alive\n");
  });

  test("of everything is planned for living runs too", async () => {
    const alive = await container(labelsOf({}));
    const { Name } = await alive.inspect();
    const planned = await cleanEngine(engine!, { all: true, dryRun: true });
    expect(planned).toContain(`container ${Name.slice(1)} (running)`);
    expect(await isThere(alive)).toBe(true);
  });
});
