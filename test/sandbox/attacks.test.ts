// Attacks by the operator, each for real in both sandboxes: none changes a verdict, reaches the machine or holds the run up, and a
// fresh world stands after each.

import { afterAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sampleWorld } from "../../src/sandbox/conformance/sample-world.ts";
import type { SandboxProvider } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { type Attack, attacks, checker, reference } from "./attack-list.ts";
import { inLanes, ownContainers, testedProviders } from "./each-provider.ts";

setDefaultTimeout(600_000);

/** Longer than any attack may hold a run up, on a busy machine. */
const PATIENCE_MS = 90_000;

interface Cycle {
  readonly passedWithWork: boolean;
  readonly passedWithout: boolean;
  readonly seen: string;
  readonly tookMs: number;
}

/** A whole cycle with the work done and one without; the second world is the fresh one after the first attack. */
async function attack(provider: SandboxProvider, what: Attack): Promise<Cycle> {
  const began = performance.now();
  let seen = "";
  const verdict = async (isWorkDone: boolean) => {
    await using sandbox = await provider.open(sampleWorld());
    if (isWorkDone && what.work === "before") await sandbox.run(reference);
    for (const command of what.commands)
      seen += (await sandbox.run(command, { timeoutMs: what.timeoutMs ?? 8000 })).output;
    if (isWorkDone && what.work !== "before") await sandbox.run(reference);
    return (await sandbox.check(checker, { timeoutMs: 6000 })).passed;
  };
  const passedWithWork = await verdict(true);
  const passedWithout = await verdict(false);
  return { passedWithWork, passedWithout, seen, tookMs: performance.now() - began };
}

for (const { name, isHere, open } of testedProviders) {
  const test = need(name, isHere);
  describe(`against ${name}`, () => {
    const canaries = mkdtempSync(join(tmpdir(), "canary-"));
    writeFileSync(join(canaries, "canary.txt"), "alive\n");
    let provider: Promise<SandboxProvider> | undefined;
    const outcome = inLanes(attacks, 3, async (what) => {
      provider ??= open();
      return attack(await provider, what);
    });
    afterAll(async () => {
      await (await provider)?.[Symbol.asyncDispose]();
      rmSync(canaries, { recursive: true, force: true });
    });

    for (const what of attacks)
      test(`${what.name} changes nothing`, async () => {
        const { passedWithWork, passedWithout, seen, tookMs } = await outcome(what);
        expect({ passedWithWork, passedWithout }).toEqual({ passedWithWork: true, passedWithout: false });
        if (what.seen) expect(seen).toMatch(what.seen);
        if (what.unseen) expect(seen).not.toMatch(what.unseen);
        expect(tookMs).toBeLessThan(PATIENCE_MS);
      });

    test("nothing of it is left, the machine is as it was, and the next world works", async () => {
      const opened = await provider!;
      await using sandbox = await opened.open(sampleWorld());
      expect((await sandbox.run("echo works; ps -o args | wc -l")).output).toMatch(/^works\n[2-9]\n$/);
      await sandbox.close();
      expect(readFileSync(join(canaries, "canary.txt"), "utf8")).toBe("alive\n");
      if (name === "docker") expect(await ownContainers()).toEqual([]);
      expect(descendants(process.pid).filter((command) => /bwrap|\/bin\/sh -i/.test(command))).toEqual([]);
    });
  });
}

/** Command lines of all processes below `pid`. */
function descendants(pid: number): readonly string[] {
  const { stdout } = Bun.spawnSync(["ps", "-e", "-o", "pid=,ppid=,args="]);
  const rows = [...stdout.toString().matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)];
  const below = (parent: number): string[] =>
    rows
      .filter(([, , ppid]) => Number(ppid) === parent)
      .flatMap(([, child, , args]) => [args!, ...below(Number(child))]);
  return below(pid);
}
