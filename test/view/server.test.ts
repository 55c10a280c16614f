import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { startView } from "../../src/view/serve-view.ts";
import type { EpisodePage, Fragment, LogPiece, RunDetail, RunList } from "../../src/view/shapes.ts";
import { tokenizerDirectory } from "../data/golden-text.ts";
import { episode, hostile, lines, logLine, scratch, writeEval, writeTrain } from "./sample-runs.ts";

const root = scratch();
const evil = "<img src=x onerror=alert(1)>";
writeTrain(join(root, "ckpt"), 10);
writeTrain(join(root, evil), 3);
writeEval(join(root, "results"));
mkdirSync(join(root, "shapes"));
copyFileSync(
  join(import.meta.dir, "../golden/corpus/shapes/messages.jsonl"),
  join(root, "shapes/messages.jsonl"),
);
const options = {
  paths: [root],
  base: tokenizerDirectory("smollm2-135m-instruct"),
  port: 0,
  host: "127.0.0.1",
};
const view = startView(options);
afterAll(() => view.stop());
const { origin, port, pathname } = new URL(view.url);

const get = (path: string, init?: RequestInit) => fetch(`${view.url}${path}`, init);
async function json<T>(path: string): Promise<T> {
  const response = await get(path);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}
async function idOf(name: string): Promise<string> {
  const { runs } = await json<RunList>("api/runs");
  return runs.find((run) => run.name === name)!.id;
}

/** A request with headers and paths that `fetch` would not send. */
function raw(path: string, headers: Readonly<Record<string, string>>, method = "GET"): Promise<number> {
  return new Promise((done, fail) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
      response.resume();
      done(response.statusCode!);
    });
    sent.on("error", fail);
    sent.end();
  });
}

describe("who may look", () => {
  test("nobody without the token of this process, whatever is asked for", async () => {
    const wrong = pathname.replace(/[^/]/, (c) => (c === "A" ? "B" : "A"));
    for (const path of ["/", "/api/runs", "/page.js", wrong, `${wrong}api/runs`, pathname.slice(0, -3), "//"])
      expect({ path, status: (await fetch(`${origin}${path}`)).status }).toEqual({ path, status: 403 });
    expect((await get("")).status).toBe(200);
    expect(pathname.length).toBeGreaterThan(32);
    const other = startView(options);
    expect(new URL(other.url).pathname).not.toBe(pathname);
    await other.stop();
  });

  test("nobody under a name that was pointed at this machine from outside", async () => {
    for (const host of [
      "evil.example",
      `evil.example:${port}`,
      "127.0.0.1",
      `127.0.0.1:1${port}`,
      `127.0.0.1.evil.example:${port}`,
    ])
      expect({ host, status: await raw(pathname, { host }) }).toEqual({ host, status: 403 });
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, `LOCALHOST:${port}`, `[::1]:${port}`])
      expect({ host, status: await raw(pathname, { host }) }).toEqual({ host, status: 200 });
  });

  test("nobody from another site's page", async () => {
    const host = `127.0.0.1:${port}`;
    const cross = { host, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" };
    expect(await raw(`${pathname}api/runs`, cross)).toBe(403);
    expect(await raw(`${pathname}api/runs`, { host, "sec-fetch-site": "same-origin" })).toBe(200);
  });

  test("and nobody to change anything", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
      expect({ method, status: (await get("api/runs", { method })).status }).toEqual({ method, status: 405 });
    const head = await get("api/runs", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("an address that others could reach is refused, and a port in use", () => {
    for (const host of ["0.0.0.0", "::", "192.168.1.2", "localhost"])
      expect(() => startView({ ...options, host })).toThrow(`--host ${host}: expected 127.0.0.1 or ::1`);
    expect(() => startView({ ...options, port: Number(port) })).toThrow("got one in use");
  });
});

test("the page loads nothing from elsewhere and lets no other script run", async () => {
  const page = await get("");
  const policy = page.headers.get("content-security-policy")!;
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toContain("script-src 'self' 'unsafe");
  const html = await page.text();
  for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g))
    expect(address).toMatch(/^(page\.(js|css)|data:,)$/);
  const script = await (await get("page.js")).text();
  expect(script.length).toBeGreaterThan(10_000);
  expect(script.match(/https?:\/\/(?!www\.w3\.org\/2000\/svg)[^"'`]*/g)).toBeNull();
  expect(await (await get("page.css")).text()).not.toMatch(/url\(|@import/);
});

test("paths never come from a request", async () => {
  for (const path of [
    "api/runs/../../etc/passwd",
    "api/runs/%2e%2e%2fetc",
    "..%2f..%2fetc/passwd",
    "api/nothing",
    "page.js/x",
  ])
    expect({ path, status: (await get(path)).status }).toEqual({ path, status: 404 });
  expect((await get("api/runs/0123456789abcdef")).status).toBe(422);
  const id = await idOf("results");
  for (const rows of ["-1", "32", "1.5", "x", "", "0,99"])
    expect({ rows, status: (await get(`api/runs/${id}/episode?rows=${rows}`)).status }).toEqual({
      rows,
      status: rows === "" ? 200 : 422,
    });
  for (const from of ["-1", "1e3", "x"])
    expect((await get(`api/runs/${id}/episodes?from=${from}`)).status).toBe(422);
});

test("a log is followed while it grows", async () => {
  const id = await idOf("ckpt");
  const first = await json<LogPiece>(`api/runs/${id}/log`);
  expect(first.entries).toHaveLength(10);
  const whole = logLine(11);
  appendFileSync(join(root, "ckpt/log.jsonl"), whole.slice(0, 9));
  const at = ({ byte, line }: LogPiece["next"]) => `byte=${byte}&line=${line}`;
  const torn = await json<LogPiece>(`api/runs/${id}/log?${at(first.next)}`);
  expect([torn.entries.length, torn.damage.length]).toEqual([0, 0]);
  appendFileSync(join(root, "ckpt/log.jsonl"), whole.slice(9));
  const grown = await json<LogPiece>(`api/runs/${id}/log?${at(torn.next)}`);
  expect(grown.entries.map(({ step }) => step)).toEqual([11]);
  const { summary, totalSteps, options: saved } = await json<RunDetail>(`api/runs/${id}`);
  expect([summary.figures.at(-1), totalSteps, saved]).toEqual([
    ["step", "11 of 100"],
    100,
    { learning_rate: 0.0002, lora_r: 16 },
  ]);
});

describe("an eval", () => {
  test("shows the published 14/16 with Wilson's interval while there is no result yet", async () => {
    const { html } = await json<Fragment>(`api/runs/${await idOf("results")}/eval`);
    expect(html).toContain("counted from the 32 episodes so far");
    expect(html).toContain("14/16<small>0.88 [0.64, 0.97]</small>");
    expect(html).toContain("0/16<small>0.00 [0.00, 0.19]</small>");
    expect(html).toContain("Flips: 14 clean in one arm only");
  });

  test("shows a session as text, whatever a world has printed", async () => {
    const { html } = await json<Fragment>(`api/runs/${await idOf("results")}/episode?rows=0,1`);
    for (const raw of ["<script", "<img", "\u001b", "\u202e"]) expect(html).not.toContain(raw);
    expect(html).toContain("␛[31mred␛[0m &#60;script&#62;window.hacked=1");
    expect(html.match(/<section>/g)).toHaveLength(2);
  });

  test("takes no markup from a result.json either", async () => {
    const folder = join(root, "forged");
    writeEval(folder);
    const rate = { x: hostile, n: 1, rate: null, low: null, high: null };
    const rates = { operate: rate, discover: rate, terminate: rate, verified: rate, clean: rate };
    const arm = { n: 1, errors: 0, ...rates, outcomes: { success: hostile }, by_archetype: {} };
    const manifest = { sampling: { temperature: 0, samples: 1 } };
    writeFileSync(
      join(folder, "result.json"),
      JSON.stringify({ arms: { [hostile]: arm }, compare: [], manifest }),
    );
    await Bun.sleep(1600);
    const { html } = await json<Fragment>(`api/runs/${await idOf("forged")}/eval`);
    expect(html).not.toMatch(/<script|<img/);
    expect(html).toContain("result.json: expected another shape");
  });
});

describe("training data", () => {
  test("is shown row by row and counted as `inspect data` counts it", async () => {
    const id = await idOf("shapes/messages.jsonl");
    const page = await json<EpisodePage>(`api/runs/${id}/episodes`);
    const counted = Bun.spawnSync(
      [
        process.execPath,
        "cli.ts",
        "inspect",
        "data",
        "--data",
        join(root, "shapes/messages.jsonl"),
        "--json",
      ],
      { cwd: join(import.meta.dir, "../..") },
    );
    const wanted = JSON.parse(counted.stdout.toString()) as { rows: number };
    expect(page.total).toBe(wanted.rows);
    expect(await json<object>(`api/runs/${id}/statistics`)).toEqual(wanted);
  });

  test("has the mask that `inspect mask` draws, in the tokens of the base", async () => {
    const id = await idOf("shapes/messages.jsonl");
    const [base] = await json<{ id: string; name: string }[]>(`api/runs/${id}/bases`);
    const { html } = await json<Fragment>(`api/runs/${id}/mask?row=1&base=${base!.id}`);
    const file = join(scratch(), "mask.html");
    const drawn = Bun.spawnSync(
      [
        process.execPath,
        "cli.ts",
        "inspect",
        "mask",
        "--data",
        join(root, "shapes/messages.jsonl"),
        "--base",
        options.base,
        "--index",
        "1",
        "--html",
        file,
      ],
      { cwd: join(import.meta.dir, "../..") },
    );
    expect(drawn.exitCode).toBe(0);
    expect(await Bun.file(file).text()).toContain(html);
    expect(html.match(/<b /g)!.length).toBeGreaterThan(3);
    expect((await get(`api/runs/${id}/mask?row=1&base=${id}`)).status).toBe(422);
  });

  test("of an eval's sessions too", async () => {
    const id = await idOf("results");
    const [base] = await json<{ id: string }[]>(`api/runs/${id}/bases`);
    const { html } = await json<Fragment>(`api/runs/${id}/mask?row=0&base=${base!.id}`);
    const trained = [...html.matchAll(/<b [^>]*>([^<]*)<\/b>/g)].map(([, text]) => text).join("");
    expect(trained).toBe("work edit-00&#60;|im_end|&#62;exit&#60;|im_end|&#62;");
  });
});

test("damage is named in the list and in the run, with file and line", async () => {
  const folder = join(root, "hurt");
  writeEval(folder);
  appendFileSync(join(folder, "episodes.jsonl"), `nonsense\n${lines([episode("base", "x-99", "success")])}`);
  await Bun.sleep(1600);
  const id = await idOf("hurt");
  await json<EpisodePage>(`api/runs/${id}/episodes`);
  await Bun.sleep(50);
  const page = await json<EpisodePage>(`api/runs/${id}/episodes`);
  expect([page.total, page.index.damaged]).toEqual([17, 1]);
  const { summary } = await json<RunDetail>(`api/runs/${id}`);
  expect(summary.state).toBe("damaged");
  expect(summary.damage[0]).toStartWith(`${join(folder, "episodes.jsonl")}:33: `);
});
