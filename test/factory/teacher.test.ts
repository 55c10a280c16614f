// The teacher behind a scripted endpoint: what it answers, how it is corrected, and what becomes of what cannot be.

import { expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ChatEndpoint } from "../../src/agent/endpoint/chat-endpoint.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { scenarioFields } from "../../src/data/scenario-json.ts";
import { isRefusal } from "../../src/factory/author/author.ts";
import { judge } from "../../src/factory/gates/judge.ts";
import { bundleSchema } from "../../src/factory/teacher/bundle-schema.ts";
import { type TeacherBudget, teacherAuthor } from "../../src/factory/teacher/teacher-author.ts";
import { promptSha256 } from "../../src/factory/teacher/teacher-prompt.ts";
import { scenarioOf } from "../agent/recorded-world.ts";
import { completion, type Script, scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const folder = temporaryFolder();
const root = join(import.meta.dir, "../..");
const good = scenarioOf("file_create");

/** What a model would write for a bundle: only the fields of the schema, variables as pairs. */
function answer(scenario: Scenario, change: Record<string, unknown> = {}): string {
  const fields = { ...scenarioFields(scenario), ...change } as Record<string, unknown>;
  fields.env = Object.entries(scenario.env).map(([name, value]) => ({ name, value }));
  const wanted = Object.keys(bundleSchema.properties);
  return JSON.stringify(Object.fromEntries(wanted.map((name) => [name, fields[name]])));
}

const failing = answer(good, {
  reference_solution: good.referenceSolution.map((command) => command.replace("umber", "amber")),
});

function teacher(url: string, more: { repairs?: number; budget?: TeacherBudget } = {}) {
  const endpoint = new ChatEndpoint(
    { url, model: "m", key: undefined, timeoutMs: 5000, concurrency: 4 },
    { patience: { baseMs: 5 } },
  );
  const author = teacherAuthor({
    endpoint,
    seed: 1,
    archetypes: ["file_create"],
    repairs: more.repairs ?? 2,
    ...(more.budget && { budget: more.budget }),
    judge: (scenario, signal) => judge(scenario, { provider: bubblewrap, signal }),
  });
  return { author, endpoint };
}

async function next(script: Script, more: Parameters<typeof teacher>[1] = {}) {
  const server = scriptedEndpoint(script);
  try {
    return { made: await teacher(server.url, more).author.next("file_create", 7), received: server.received };
  } finally {
    server[Symbol.dispose]();
  }
}

test("a good answer becomes a bundle: hash, system, host and axes are filled in", async () => {
  const { made, received } = await next(() => answer(good));
  if (isRefusal(made)) throw new Error(made.reason);
  expect(made.scenario).toMatchObject({
    id: "file_create-007",
    archetype: "file_create",
    host: "sek",
    directive: good.directive,
    env: good.env,
    provider: good.provider,
  });
  expect(made.scenario.system).toBe(`sek 0.1.0 host: sek user: ${made.scenario.user} shell: /bin/dash`);
  expect(made.scenario.contentHash).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(received).toHaveLength(1);
  const { messages, response_format } = received[0]!.body;
  expect(response_format.json_schema).toMatchObject({ name: "scenario", strict: true });
  expect(messages.map(({ role }: { role: string }) => role)).toEqual(["system", "user"]);
  expect(messages[1].content).toContain("file_create");
  expect(promptSha256).toMatch(/^[0-9a-f]{64}$/);
}, 60_000);

test("a whole bundle, in a fence, between words, is read as well; its own hash does not matter", async () => {
  const whole = { ...scenarioFields(good), content_hash: "sha256:0" };
  const { made } = await next(
    () => `Here you are:\n\`\`\`json\n${JSON.stringify(whole, null, 2)}\n\`\`\`\nEnjoy!`,
  );
  expect(isRefusal(made)).toBe(false);
}, 60_000);

test("malformed JSON is sent back with the reason, and repaired", async () => {
  const { made, received } = await next((n) => (n === 0 ? '{"directive": "half' : answer(good)));
  expect(isRefusal(made)).toBe(false);
  const { messages } = received[1]!.body;
  expect(messages.at(-2)).toEqual({ role: "assistant", content: '{"directive": "half' });
  expect(messages.at(-1).content).toContain(
    "refused by the gate structure: the answer is not one JSON object",
  );
}, 60_000);

test("a reference that fails is sent back with what was seen, and repaired at the second try", async () => {
  const { made, received } = await next((n) => (n === 0 ? failing : answer(good)));
  expect(isRefusal(made)).toBe(false);
  const complaint = received[1]!.body.messages.at(-1).content;
  expect(complaint).toContain("refused by the gate reference: the reference solution fails the checker");
  expect(complaint).toContain("mkdir -p");
  expect(received).toHaveLength(2);
}, 60_000);

test("what is never repaired is refused with the last reason and the draft; repairs are bounded", async () => {
  const { made, received } = await next(() => failing, { repairs: 1 });
  expect(made).toMatchObject({ archetype: "file_create", index: 7, gate: "reference" });
  if (!isRefusal(made)) throw new Error("expected a refusal");
  expect(made.reason).toContain("the reference solution fails the checker");
  expect(made.draft).toMatchObject({ id: "file_create-007", directive: good.directive });
  expect(received).toHaveLength(2);
}, 60_000);

test("a field that is missing or of another archetype is named", async () => {
  const without = JSON.parse(answer(good));
  delete without.checker;
  const { made } = await next(() => JSON.stringify(without), { repairs: 0 });
  expect(made).toMatchObject({ gate: "structure", reason: "checker: missing" });
  const other = await next(() => JSON.stringify(scenarioFields(scenarioOf("cleanup"))), { repairs: 0 });
  expect(other.made).toMatchObject({ reason: 'archetype: expected file_create, got "cleanup"' });
});

test("the budget ends the work with what was reached", async () => {
  using server = scriptedEndpoint(() => Response.json(completion("no")));
  const { author } = teacher(server.url, { repairs: 5, budget: { requests: 2 } });
  await expect(author.next("file_create", 0)).rejects.toThrow(
    "expected to stay within the budget, got to 2 requests",
  );
  const tokens = teacher(server.url, { repairs: 5, budget: { tokens: 20 } });
  await expect(tokens.author.next("file_create", 0)).rejects.toThrow("got to 28 tokens");
});

/** Runs the command as a user would; the server lives in this process, so the call must not block. */
async function sekft(...args: string[]) {
  const run = Bun.spawn(["bun", "cli.ts", ...args], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, SEKFT_KEY: "sk-hidden-key" },
  });
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  return { out, err, code };
}

function allFiles(path: string): string {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

test("author --url keeps what a model wrote, waits as told, keeps rejects, and never writes the key", async () => {
  using server = scriptedEndpoint((n) => {
    if (n === 0)
      return Response.json({ error: { message: "slow" } }, { status: 429, headers: { "retry-after": "1" } });
    return n === 1 ? answer(good) : "I would rather not.";
  });
  const out = join(folder, "by-teacher");
  const flags = [
    "--n",
    "2",
    "--archetypes",
    "file_create",
    "--sandbox",
    "bubblewrap",
    "--repairs",
    "0",
    "--jobs",
    "1",
  ];
  const run = await sekft("author", "--out", out, "--url", server.url, "--model", "m", ...flags, "--json");
  expect([run.code, run.err]).toEqual([0, expect.stringContaining("1 of 2 scenarios")]);
  const summary = JSON.parse(run.out);
  expect(summary).toMatchObject({
    n: 2,
    admitted: 1,
    proven: true,
    rejected_by_gate: { structure: expect.any(Number) },
  });
  expect(server.received[1]!.at - server.received[0]!.at).toBeGreaterThan(950);
  expect(server.received[0]!.headers.get("authorization")).toBe("Bearer sk-hidden-key");
  const bundle = JSON.parse(readFileSync(join(out, "file_create-000.json"), "utf8"));
  expect(bundle).toMatchObject({ proven: true, directive: good.directive });
  const reject = JSON.parse(readFileSync(join(out, "rejected/file_create-001.json"), "utf8"));
  expect(reject).toMatchObject({ gate: "structure", reason: "the answer is not one JSON object" });
  const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
  expect(manifest.teacher).toMatchObject({ model: "m", prompt_sha256: promptSha256 });
  expect(manifest.sandbox.provider).toBe("bubblewrap");
  expect(allFiles(out) + run.out + run.err).not.toContain("sk-hidden-key");
}, 120_000);

test("author --url with a refused key ends at once and says so; nothing is half-made", async () => {
  using server = scriptedEndpoint(() =>
    Response.json({ error: { message: "bad key sk-hidden-key" } }, { status: 401 }),
  );
  const out = join(folder, "refused");
  const run = await sekft(
    "author",
    "--n",
    "2",
    "--out",
    out,
    "--url",
    server.url,
    "--model",
    "m",
    "--sandbox",
    "bubblewrap",
  );
  expect(run.code).toBe(1);
  expect(run.err).toContain("expected a key that is accepted, got status 401");
  expect(run.err).not.toContain("sk-hidden-key");
  expect(readdirSync(out).filter((name) => name.endsWith("-000.json"))).toEqual([]);
}, 60_000);
