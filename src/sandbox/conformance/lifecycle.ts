// Worlds come and go: many at once, closed twice, called off, and nothing of them is left.

import { InfrastructureError } from "../../base/errors.ts";
import { type Check, inGroup } from "./check.ts";
import { holds, Mismatch, same } from "./expectations.ts";
import { sampleWorld } from "./sample-world.ts";

const { check } = inGroup("lifecycle");

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

export const lifecycle: readonly Check[] = [
  check("facts", "A provider says what it is", "manifest", async ({ provider, facts }) => {
    same("its name", facts.provider, provider.name);
    holds("its version", facts.version, "text", facts.version !== "");
    holds("what worlds are made of", facts.image, "a hash", /^(sha256:)?[0-9a-f]{64}$/.test(facts.image));
    holds("its properties", Object.keys(facts.properties), "some", Object.keys(facts.properties).length > 0);
  }),
  check("parallel", "Four worlds at once work as one does", "concurrency", async (stage) => {
    const sandboxes = await Promise.all(Array.from({ length: 4 }, () => stage.open()));
    const outputs = await Promise.all(
      sandboxes.map((sandbox, i) => stage.run(sandbox, `echo ${i} >/tmp/x; sleep 0.2; cat /tmp/x`)),
    );
    same(
      "outputs",
      outputs.map(({ output }) => output),
      ["0\n", "1\n", "2\n", "3\n"],
    );
  }),
  check("close-twice", "A world can be closed twice", "contract", async (stage) => {
    const sandbox = await stage.open();
    await sandbox.close();
    await sandbox.close();
  }),
  check(
    "closed",
    "A closed world refuses commands and verdicts as infrastructure",
    "never scored",
    async (stage) => {
      const sandbox = await stage.open();
      await sandbox.close();
      for (const error of [await failure(sandbox.run("true")), await failure(sandbox.check("true"))])
        if (!(error instanceof InfrastructureError))
          throw new Mismatch("the error", "an InfrastructureError", String(error));
    },
  ),
  check("close-running", "A world can be closed while a command runs", "Ctrl-C", async (stage) => {
    const sandbox = await stage.open();
    const running = failure(sandbox.run("sleep 30"));
    await Bun.sleep(300);
    await sandbox.close();
    const outcome = await Promise.race([
      running.then((error) => (error instanceof InfrastructureError ? "InfrastructureError" : String(error))),
      Bun.sleep(8000).then(() => "nothing"),
    ]);
    same("what the command gets", outcome, "InfrastructureError");
  }),
  check("abort-open", "Opening can be called off", "Ctrl-C", async ({ provider }) => {
    const error = await failure(provider.open(sampleWorld(), { signal: AbortSignal.abort() }));
    holds("the outcome", String(error), "an error", error !== undefined);
  }),
  check("clean", "Cleaning up leaves worlds that live alone", "others are never touched", async (stage) => {
    const sandbox = await stage.open();
    await stage.run(sandbox, "echo x >/tmp/kept");
    const planned = await stage.provider.clean({ dryRun: true });
    await stage.provider.clean();
    same("a file of the world", (await stage.run(sandbox, "cat /tmp/kept")).output, "x\n");
    holds("what a dry run lists", planned, "a list", Array.isArray(planned));
  }),
  check(
    "sequence",
    "Ten worlds one after another leave no process behind",
    "leaks show in numbers",
    async (stage) => {
      for (let i = 0; i < 10; i++) {
        const sandbox = await stage.open({ fixtures: [], dirs: [] });
        await stage.run(sandbox, "setsid sleep 99 & true");
        await sandbox.close();
      }
      const { output } = await stage.run(await stage.open(), "ps | grep -c '[s]leep 99'");
      same("processes of other worlds", output, "0\n");
    },
  ),
];
