// What the pages tell people to type is typed: every line of a page in order, in a folder of the page's own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ScriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { heldOut, startOperators } from "../eval/scripted-operators.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { notRun, props, servers, substitutions } from "./docs-stage.ts";
import { codeOf, pages, shellBlocks, shellLines } from "./documents.ts";
import { openStage } from "./stage.ts";

const { gpuTest } = await testDevice();
const worldTest = need("bubblewrap", bubblewrap !== undefined);
const curlTest = need("curl", Bun.which("curl") !== null);
const stage = openStage(temporaryFolder());

/** Ends only when stopped. */
interface Server {
  readonly line: string;
  readonly address: string;
  stop(): Promise<number>;
}

const documented = "http://127.0.0.1:8080";

/** `line` as it is run. */
function rewritten(line: string, address: string | undefined): string {
  let run = line;
  for (const { from, to } of substitutions) run = run.replace(from, to);
  return address === undefined ? run : run.replaceAll(documented, address);
}

/** Starts a server and waits for the address that it prints. */
async function startServer(line: string, cwd: string): Promise<Server> {
  const child = stage.start(`exec ${line}`, cwd);
  let said = "";
  const found = Promise.withResolvers<string>();
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      said += decoder.decode(chunk, { stream: true });
      const address = /http:\/\/127\.0\.0\.1:\d+[\w/-]*/.exec(said)?.[0];
      if (address !== undefined && said.includes("\n", said.indexOf(address))) found.resolve(address);
    }
  };
  const ended = Promise.all([listen(child.stdout), listen(child.stderr)]).then(() =>
    found.reject(new Error(`${line}: ended before it served: ${said}`)),
  );
  found.promise.catch(() => undefined);
  const address = await found.promise;
  return {
    line,
    address,
    async stop() {
      child.kill("SIGINT");
      await ended;
      return child.exited;
    },
  };
}

/** What a line says that it writes. */
function outputsOf(line: string): string[] {
  return [...line.matchAll(/ (?:--(?:out|output-dir|holdout-out|html)|>) (\S+)/g)].map(([, path]) => path!);
}

/** What a line needs of the machine. */
function testFor(line: string): typeof test {
  if (/^sekft (author|rollout|eval(?! compare)|bench|play|sandbox check)/.test(line)) return worldTest;
  if (/^sekft (train|generate|resident|probe|inspect forward|doctor --bench)/.test(line)) return gpuTest;
  if (line.startsWith("curl ")) return curlTest;
  return test;
}

for (const page of pages) {
  // In a block that does not say its language only lines of sekft are commands; it may be a tree or an output.
  const lines = shellBlocks(page).flatMap(({ language, text }) =>
    shellLines(text).filter((line) => language !== "" || /(^|[;|&] *|do )sekft /.test(line)),
  );
  if (lines.length === 0) continue;
  describe(page, () => {
    const folder = join(stage.folder, page.replaceAll("/", "-"));
    let endpoint: ScriptedEndpoint | undefined;
    let server: Server | undefined;

    beforeAll(() => {
      mkdirSync(folder);
      for (const [path, put] of Object.entries(props[page] ?? {})) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        put(join(folder, path));
      }
      for (const { language, text } of codeOf(page).blocks) {
        const name = language === "yaml" && /^# ([\w-]+\.yaml)\b/.exec(text)?.[1];
        if (name) writeFileSync(join(folder, name), text);
      }
      if (lines.some((line) => line.includes(`--url ${documented}`))) endpoint = startOperators(heldOut);
    });
    afterAll(async () => {
      endpoint?.[Symbol.dispose]();
      await server?.stop();
    });

    let lacking = test;
    for (const line of lines) {
      const excuse = notRun.find(({ line: pattern }) => pattern.test(line));
      if (excuse) continue;
      // What a line that could not run would have made is missing for those below it.
      if (lacking === test) lacking = testFor(line);
      lacking(
        `\`${line}\` does what it says`,
        async () => {
          const run = rewritten(line, endpoint?.url ?? server?.address);
          if (servers.resident.test(line)) {
            server = await startServer(`${run} --port 0`, folder);
            // It listens before the base is loaded.
            const ready = async () => (await fetch(`${server!.address}/health`)).ok;
            while (!(await ready())) await Bun.sleep(50);
            return;
          }
          if (servers.view.test(line)) {
            const view = await startServer(`${run} --no-open --port 0`, folder);
            const response = await fetch(view.address);
            expect({ status: response.status, code: await view.stop() }).toEqual({ status: 200, code: 0 });
            return;
          }
          const { out, err, code } = await stage.run(run, folder);
          const said = code === 0 ? {} : { out: out.slice(-2000), err: err.slice(-2000) };
          expect({ run, code, ...said }).toEqual({ run, code: 0 });
          // curl is content with any answer.
          if (run.startsWith("curl ")) expect(JSON.parse(out)).not.toHaveProperty("error");
          const missing = outputsOf(run).filter((path) => !existsSync(join(folder, path)));
          expect({ run, missing }).toEqual({ run, missing: [] });
        },
        180_000,
      );
    }
  });
}

test("every line that is not run, and every rewriting, is still in a page", () => {
  const all = pages.flatMap((page) => shellBlocks(page).flatMap(({ text }) => shellLines(text)));
  const idle = [...notRun.map(({ line }) => line), ...substitutions.map(({ from }) => from)].filter(
    (pattern) => !all.some((line) => line.search(pattern) >= 0),
  );
  expect(idle).toEqual([]);
});
