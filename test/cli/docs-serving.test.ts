// The page on serving against the server: every route, and every field of a completion.

import { afterAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadTextFormat } from "../../src/serve/text-format.ts";
import { FakeBase } from "../serve/fake-base.ts";
import { run } from "../serve/running.ts";
import { makeTalkingBase, temporaryFolder } from "../serve/tiny-base.ts";
import { root } from "./documents.ts";

const text = readFileSync(join(root, "docs/serving.md"), "utf8");
const format = loadTextFormat(makeTalkingBase(temporaryFolder()), undefined);
const running = await run({ format, open: async () => new FakeBase() });
afterAll(() => running.close());

test("the table has each route of the router once, and nothing else", () => {
  const written = [...text.matchAll(/^\| `((?:GET|POST|DELETE) \S+)` \|/gm)].map(([, route]) => route!);
  // biome-ignore lint/complexity/useLiteralKeys: the routes are the server's own business
  const routes = running.server["routes"].map(({ method, path }) => `${method} ${path}`);
  expect(written.sort()).toEqual(routes.sort());
});

/** What the page says of a completion's fields, in two parts: taken, and refused. */
function documentedFields(): { taken: string[]; refused: string[] } {
  const section = /## Fields of a completion\n([\s\S]*?)\n## /.exec(text)![1]!;
  const names = (part: string) => [...part.matchAll(/`([a-z_.]+)`/g)].map(([, name]) => name!);
  const at = section.indexOf("A field that\nwould change");
  expect(at).toBeGreaterThan(0);
  return { taken: names(section.slice(0, at)), refused: names(section.slice(at)) };
}

const values: Readonly<Record<string, unknown>> = {
  stop: ["x"],
  stop_token_ids: [3],
  ignore_eos: true,
  max_completion_tokens: 2,
  normalize: true,
  lora: [],
  logprobs: true,
  return_token_ids: true,
  stream: false,
  tools: [{ type: "function" }],
  logit_bias: { 5: 1 },
};
const messages = [{ role: "user", content: "ls" }];

test("every field that it names is taken, and the others are refused by name", async () => {
  const { taken, refused } = documentedFields();
  expect(taken.length).toBeGreaterThan(15);
  const ask = (fields: object) => running.post("/v1/chat/completions", { messages, ...fields });
  for (const name of taken.filter(
    (one) => !/^stream_options|^top_logprobs$|^add_special_tokens$/.test(one),
  )) {
    const response = await ask({ max_tokens: 2, [name]: values[name] ?? 1 });
    expect({ name, status: response.status, body: response.ok ? "" : await response.text() }).toEqual({
      name,
      status: 200,
      body: "",
    });
  }
  expect((await ask({ max_tokens: 2, logprobs: true, top_logprobs: 2 })).status).toBe(200);
  const streamed = { max_tokens: 2, stream: true, stream_options: { include_usage: true } };
  const response = await ask(streamed);
  expect(await response.text()).toContain('"usage"');
  const continued = { prompt: "ls", max_tokens: 2, add_special_tokens: false };
  expect((await running.post("/v1/completions", continued)).status).toBe(200);
  for (const name of refused) {
    const answer = await ask({ max_tokens: 2, [name]: values[name] ?? 1 });
    expect({
      name,
      status: answer.status,
      param: ((await answer.json()) as { error: { param: string } }).error.param,
    }).toEqual({
      name,
      status: 400,
      param: name,
    });
  }
});
