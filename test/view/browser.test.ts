// The page in a browser: what is drawn, what keys do, what is asked for, and that nothing a world has printed comes alive.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { lockFolder } from "../../src/base/folder-lock.ts";
import { type ServedView, startView } from "../../src/view/serve-view.ts";
import { tokenizerDirectory } from "../data/golden-text.ts";
import { need } from "../setup.ts";
import { logLine, scratch, writeEval, writeTrain } from "./sample-runs.ts";

const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasBrowser = existsSync(program);
const inBrowser = need("chromium", hasBrowser);

const root = scratch();
const evil = "<img src=x onerror=window.hacked=1>";
let browser: Browser;
let view: ServedView;
let held: Disposable;

beforeAll(async () => {
  if (!hasBrowser) return;
  for (let i = 0; i < 48; i++)
    writeTrain(join(root, `sweep/run-${String(i).padStart(2, "0")}`), 30, i % 5 !== 0);
  writeTrain(join(root, "ckpt"), 20);
  writeTrain(join(root, evil), 5, true);
  appendFileSync(join(root, "sweep/run-03/log.jsonl"), "nonsense\n");
  writeEval(join(root, "results"));
  held = lockFolder(join(root, "ckpt"));
  view = startView({
    paths: [root],
    base: tokenizerDirectory("smollm2-135m-instruct"),
    port: 0,
    host: "127.0.0.1",
  });
  browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await view?.stop();
  held?.[Symbol.dispose]();
});

interface Look {
  readonly width?: number;
  readonly dark?: boolean;
}

/** A page that must stay without complaints, foreign requests, injected scripts and sideways scrolling. */
async function withPage(look: Look, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({
    viewport: { width: look.width ?? 1280, height: 850 },
    colorScheme: look.dark ? "dark" : "light",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(view.url)) complaints.push(`asked for ${request.url()}`);
  });
  try {
    await page.goto(view.url);
    await page.waitForSelector(".run");
    await use(page);
    const state = (await page.evaluate(
      "({ hacked: window.hacked, over: document.documentElement.scrollWidth - innerWidth })",
    )) as { hacked?: unknown; over: number };
    expect(state.hacked).toBeUndefined();
    expect(state.over).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

async function open(page: Page, name: string): Promise<void> {
  await page.goto(`${view.url}#/`);
  await page.fill("input[type=search]", name);
  await page.click(".run .name a >> nth=0");
}

const longest = 60_000;

describe("the list", () => {
  inBrowser(
    "is painted within a second over fifty runs, and shows names as text",
    () =>
      withPage({}, async (page) => {
        const paint = (await page.evaluate(
          "performance.getEntriesByName('first-contentful-paint')[0].startTime",
        )) as number;
        expect(paint).toBeLessThan(1000);
        expect(await page.locator(".run").count()).toBe(51);
        expect(await page.locator(".run", { hasText: evil }).count()).toBe(1);
        expect(await page.locator(".run .state.live").count()).toBe(1);
        expect(await page.locator(".run .state.damaged").count()).toBe(1);
      }),
    longest,
  );

  inBrowser(
    "is used with the keyboard alone: filter, move, choose, overlay, help, back",
    () =>
      withPage({}, async (page) => {
        await page.keyboard.press("/");
        await page.keyboard.type("sweep");
        await page.keyboard.press("Escape");
        expect(await page.locator(".run").count()).toBe(48);
        for (const key of ["j", "x", "j", "x", "ArrowDown", "k", "j", "x"]) await page.keyboard.press(key);
        expect(await page.locator(".tray").textContent()).toContain("3 chosen");
        expect(await page.evaluate("document.activeElement.matches('.run.at a')")).toBe(true);
        await page.keyboard.press("o");
        await page.waitForSelector(".chart svg path");
        expect(await page.locator(".chart.first .legend li").count()).toBe(3);
        await page.keyboard.press("?");
        expect(await page.locator("dialog").isVisible()).toBe(true);
        await page.keyboard.press("Escape");
        await page.keyboard.press("g");
        await page.waitForSelector(".run");
      }),
    longest,
  );
});

describe("a training run", () => {
  inBrowser(
    "draws what the log gains while one looks",
    () =>
      withPage({}, async (page) => {
        await open(page, "ckpt");
        await page.waitForSelector(".chart svg path");
        expect(await page.locator(".fact", { hasText: "step" }).first().textContent()).toContain("20 / 100");
        const drawn = await page.locator(".chart.first svg path").first().getAttribute("d");
        appendFileSync(join(root, "ckpt/log.jsonl"), logLine(21) + logLine(22).slice(0, 12));
        await page.waitForSelector("text=21 / 100");
        expect(await page.locator(".chart.first svg path").first().getAttribute("d")).not.toBe(drawn);
        await page.locator(".chart.first svg").focus();
        await page.keyboard.press("End");
        expect(await page.locator(".chart.first .tip").textContent()).toContain("step 21");
      }),
    longest,
  );

  inBrowser(
    "names the damage of its log, and shows the rest",
    () =>
      withPage({}, async (page) => {
        await open(page, "run-03");
        await page.waitForSelector(".chart svg path");
        expect(await page.locator(".notice").textContent()).toContain("run-03/log.jsonl:32");
      }),
    longest,
  );
});

for (const look of [{ width: 1280 }, { width: 390 }, { width: 1280, dark: true }, { width: 390, dark: true }])
  inBrowser(
    `an eval at ${look.width} pixels${look.dark ? " in the dark" : ""}: numbers, sessions side by side, search, flips, mask`,
    () =>
      withPage(look, async (page) => {
        expect(await page.evaluate("document.documentElement.dataset.theme")).toBe(
          look.dark ? "dark" : "light",
        );
        await open(page, "results");
        await page.waitForSelector(".charts");
        expect(await page.locator("table").first().textContent()).toContain("14/16");
        await page.keyboard.press("2");
        await page.waitForSelector(".item b");
        await page.keyboard.press("j");
        await page.waitForSelector(".sides section");
        expect(await page.locator(".sides section").count()).toBe(2);
        const shown = await page.locator(".term").first().textContent();
        expect(shown).toContain(
          "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'> [U+202E]txt",
        );
        expect(shown).toContain("␛[31mred");
        if (look.width === 390) await page.keyboard.press("Escape");
        await page.keyboard.press("f");
        await page.waitForSelector("text=14 of 16 sessions");
        await page.keyboard.press("/");
        await page.keyboard.type("work edit-03");
        await page.waitForSelector("text=1 of 16 sessions");
        expect(await page.locator(".item mark").textContent()).toBe("work edit-03");
        await page.keyboard.press("Escape");
        await page.keyboard.press("j");
        await page.waitForSelector(".right h2 >> text=edit-03");
        await page.locator("[data-mask]").first().click();
        await page.waitForSelector(".mask .text b");
        expect(await page.locator(".mask h2").textContent()).toBe("#6 edit-03");
        await page.keyboard.press("t");
        expect(await page.evaluate("document.documentElement.dataset.theme")).toBe(
          look.dark ? "light" : "dark",
        );
      }),
    longest,
  );
