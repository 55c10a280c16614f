// The recorded trajectories of the corpus, played again: every output, prompt and verdict against what another harness wrote down.

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import type { SandboxProvider, World } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { hasBubblewrap } from "./bubblewrap-machine.ts";

interface Trajectory {
  readonly id: string;
  readonly scenario_id: string;
  readonly turns: readonly { readonly role: string; readonly content: string }[];
  readonly verified: boolean;
  readonly terminal: string | null;
}
type Bundle = World & { readonly checker: string };

function rows<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(`${import.meta.dir}/../golden/corpus/${name}.jsonl.gz`)).toString();
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** The order in which a file system lists a directory is its own. */
const LISTS = /(^|[;&|] *)(find|grep -[a-z]*r)/;
const sorted = (text: string) => text.split("\n").sort().join("\n");

async function differences(provider: SandboxProvider, world: Bundle, trajectory: Trajectory) {
  await using sandbox = await provider.open(world);
  const different: string[] = [];
  let reordered = 0;
  const turns = trajectory.turns.slice(2);
  let terminal: string | undefined;
  while (turns.length > 0) {
    const [prompt, command] = [turns.shift()!, turns.shift()!];
    const shown = `${world.user}@${world.host}:${sandbox.shownDirectory}$ `;
    if (shown !== prompt.content) different.push(`prompt ${shown}, recorded ${prompt.content}`);
    const result = await sandbox.run(command.content);
    const recorded = turns[1]?.role === "user" ? turns.shift()!.content : "";
    if (result.output !== recorded) {
      if (LISTS.test(command.content) && sorted(result.output) === sorted(recorded)) reordered++;
      else different.push(`${command.content}\n${result.output}\nrecorded\n${recorded}`);
    }
    terminal = result.terminal?.word;
  }
  if (terminal !== (trajectory.terminal ?? undefined)) different.push(`ended by ${terminal}`);
  const verdict = await sandbox.check(world.checker);
  if (verdict.passed !== trajectory.verified) different.push(`verdict ${verdict.status}: ${verdict.output}`);
  return { different, reordered };
}

need("bubblewrap", hasBubblewrap)(
  "the 200 recorded trajectories give the same outputs, prompts and verdicts",
  async () => {
    const bundles = new Map(rows<Bundle>("scenarios").map((bundle) => [bundle.id, bundle]));
    const queue = rows<Trajectory>("trajectories");
    expect(queue.length).toBe(200);
    await using provider = openBubblewrap();
    const different: string[] = [];
    let reordered = 0;
    const worker = async () => {
      for (let next = queue.pop(); next; next = queue.pop()) {
        const found = await differences(provider, bundles.get(next.scenario_id)!, next);
        different.push(...found.different.map((text) => `${next!.id}: ${text}`));
        reordered += found.reordered;
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(different).toEqual([]);
    // On tmpfs the newest file comes first; the corpus was recorded on another file system.
    expect(reordered).toBeLessThan(60);
  },
  240_000,
);
