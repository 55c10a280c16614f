// What a sandbox costs: a command beside a bare `docker exec`, a world, a verdict, and eight worlds at a time beside one.
//   bun test/bench/sandbox.ts [--provider docker|bubblewrap|both] [--commands 40] [--episodes 8] [--json]
// Everything that is compared is measured in turns within one run; a figure is the median.

import { parseArgs } from "node:util";
import { formatTable } from "../../src/base/format.ts";
import { sampleWorld } from "../../src/sandbox/conformance/sample-world.ts";
import type { Sandbox, SandboxProvider } from "../../src/sandbox/contract.ts";
import { connectEngine, type Engine } from "../../src/sandbox/docker/engine.ts";
import { ownContainers, testedProviders } from "../sandbox/each-provider.ts";

const { values } = parseArgs({
  options: {
    provider: { type: "string", default: "both" },
    commands: { type: "string", default: "40" },
    episodes: { type: "string", default: "8" },
    json: { type: "boolean", default: false },
  },
});
const commands = Number(values.commands);
const episodes = Number(values.episodes);
const rows: { what: string; provider: string; figure: number; unit: string }[] = [];

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!;

/** A bare exec through the engine's API: made, attached, read to its end, its status asked for. */
async function bareExec(engine: Engine, id: string): Promise<void> {
  const container = engine.docker.getContainer(id);
  const exec = await container.exec({
    Cmd: ["/bin/true"],
    User: "1000:1000",
    AttachStdout: true,
    AttachStderr: true,
  });
  const stream = await exec.start({ hijack: true, stdin: false });
  for await (const _ of stream);
  const { ExitCode } = await exec.inspect();
  if (ExitCode !== 0) throw new Error(`bare exec: status ${ExitCode}`);
}

async function bareCommand(id: string): Promise<void> {
  const child = Bun.spawn(["docker", "exec", "--user", "1000:1000", id, "/bin/true"], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  if ((await child.exited) !== 0) throw new Error("docker exec failed");
}

/** One episode with a model that takes no time: six commands and a verdict. */
async function episode(provider: SandboxProvider): Promise<void> {
  await using sandbox = await provider.open(sampleWorld());
  for (const command of [
    "cat /etc/motd",
    "/opt/desk/askdesk --help",
    "/opt/desk/askdesk --list",
    "ls -la",
    "echo done >report",
    "exit",
  ])
    await sandbox.run(command);
  const { passed } = await sandbox.check('[ "$(cat $SEK_HOME/report)" = done ]');
  if (!passed) throw new Error("an episode failed");
}

async function overhead(provider: SandboxProvider, sandbox: Sandbox): Promise<void> {
  const own: number[] = [];
  const cli: number[] = [];
  const api: number[] = [];
  const engine = provider.name === "docker" ? await connectEngine() : undefined;
  const [id] = engine ? (await ownContainers()).map((line) => line.split(" ")[0]!) : [];
  for (let i = 0; i < commands + 3; i++) {
    own.push(await timed(() => sandbox.run("true")));
    if (!engine || !id) continue;
    api.push(await timed(() => bareExec(engine, id)));
    cli.push(await timed(() => bareCommand(id)));
  }
  // The first few pay for connections and caches.
  const figure = (numbers: readonly number[]) => median(numbers.slice(3));
  add(provider, "a command", figure(own), "ms");
  if (api.length === 0) return;
  add(provider, "bare docker exec, command line", figure(cli), "ms");
  add(provider, "bare docker exec, API", figure(api), "ms");
  add(provider, "a command / bare, command line", figure(own) / figure(cli), "x");
  add(provider, "a command / bare, API", figure(own) / figure(api), "x");
}

function add(provider: SandboxProvider, what: string, figure: number, unit: string): void {
  rows.push({ what, provider: provider.name, figure: Math.round(figure * 100) / 100, unit });
  if (values.json) console.log(JSON.stringify(rows.at(-1)));
}

for (const { name, isHere, open } of testedProviders) {
  if (!isHere || (values.provider !== "both" && values.provider !== name)) continue;
  await using provider = await open();
  const sandbox = await provider.open(sampleWorld());
  await overhead(provider, sandbox);
  await sandbox.close();

  const parts = { start: [] as number[], verdict: [] as number[], end: [] as number[] };
  for (let i = 0; i < 7; i++) {
    let world: Sandbox | undefined;
    parts.start.push(await timed(async () => (world = await provider.open(sampleWorld()))));
    parts.verdict.push(await timed(() => world!.check("true")));
    parts.end.push(await timed(() => world!.close()));
  }
  add(provider, "a world's start", median(parts.start), "ms");
  add(provider, "a verdict", median(parts.verdict), "ms");
  add(provider, "a world's end", median(parts.end), "ms");

  const single: number[] = [];
  const parallel: number[] = [];
  for (let round = 0; round < 3; round++) {
    single.push(
      await timed(async () => {
        for (let i = 0; i < episodes; i++) await episode(provider);
      }),
    );
    parallel.push(await timed(() => Promise.all(Array.from({ length: episodes }, () => episode(provider)))));
  }
  add(provider, `${episodes} episodes, one at a time`, median(single) / 1000, "s");
  add(provider, `${episodes} episodes, all at once`, median(parallel) / 1000, "s");
  add(provider, "throughput, all at once / one at a time", median(single) / median(parallel), "x");
}

if (!values.json) {
  const columns = [
    { title: "provider" },
    { title: "what" },
    { title: "figure", align: "right" as const },
    { title: "unit" },
  ];
  const cells = rows.map(({ provider, what, figure, unit }) => [provider, what, String(figure), unit]);
  for (const line of formatTable(columns, cells)) console.log(line);
}
