// What dead runs left with an engine: found by label, removed when the process that made it is gone.

import { runLives } from "../run-identity.ts";
import { ask, type Engine } from "./engine.ts";

type Labels = Readonly<Record<string, string>>;

/** Removes containers and volumes of dead runs, or with `all` of every run, and nothing without our labels.
 *  Returns their names. */
export async function cleanEngine(
  { docker }: Engine,
  options: { readonly all?: boolean; readonly dryRun?: boolean } = {},
): Promise<string[]> {
  const filters = { label: ["sekft.run"] };
  const removed: string[] = [];
  const isLeft = (labels: Labels) => options.all || isDead(labels);
  const containers = await ask("docker ps", () => docker.listContainers({ all: true, filters }));
  const leftContainers = containers.filter(({ Labels }) => isLeft(Labels));
  // Those that were never started hold other containers' volumes: they go first.
  for (const { Id, Names, State } of leftContainers.toSorted((a, b) => order(a.State) - order(b.State))) {
    removed.push(`container ${Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12)} (${State})`);
    if (!options.dryRun) await gone(() => docker.getContainer(Id).remove({ force: true, v: true }));
  }
  const { Volumes } = await ask("docker volume ls", () => docker.listVolumes({ filters }));
  for (const { Name, Labels } of Volumes ?? []) {
    if (!isLeft(Labels ?? {})) continue;
    removed.push(`volume ${Name}`);
    if (!options.dryRun) await gone(() => docker.getVolume(Name).remove());
  }
  return removed;
}

function order(state: string): number {
  return state === "created" ? 0 : 1;
}

function isDead(labels: Labels): boolean {
  const { "sekft.pid": pid, "sekft.boot": boot, "sekft.host": host } = labels;
  return (
    pid !== undefined &&
    boot !== undefined &&
    host !== undefined &&
    runLives({ pid: Number(pid), boot, host }) === false
  );
}

/** Something that is being removed already, or went with its container, is gone too. */
async function gone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    const { statusCode, message } = error as { statusCode?: number; message?: string };
    if (statusCode !== 404 && !/already in progress/.test(message ?? ""))
      await ask("docker rm", () => Promise.reject(error));
  }
}
