// The page of a report in a browser: dark and light, wide and narrow, asking nobody for anything.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { writeReport } from "../../src/experiment/report/write-report.ts";
import { need } from "../setup.ts";
import { removeScratch, scratch, writeExperiment } from "./sample-experiment.ts";

const program = process.env.CHROMIUM ?? "/usr/bin/chromium";
const hasBrowser = existsSync(program);
const inBrowser = need("chromium", hasBrowser);

let browser: Browser;
let address: string;

beforeAll(async () => {
  if (!hasBrowser) return;
  const folder = scratch();
  writeExperiment(folder);
  await writeReport(folder);
  address = pathToFileURL(join(folder, "report/report.html")).href;
  browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  removeScratch();
});

async function withPage(width: number, dark: boolean, use: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: 850 },
    colorScheme: dark ? "dark" : "light",
  });
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(address) && !request.url().startsWith("data:"))
        complaints.push(`asked for ${request.url()}`);
    });
    await page.goto(address);
    await use(page);
    const state = await page.evaluate(
      "({ hacked: window.hacked ?? null, over: document.documentElement.scrollWidth - innerWidth, live: document.querySelectorAll('img, script').length })",
    );
    expect(state).toEqual({ hacked: null, over: 0, live: 0 });
    expect(complaints).toEqual([]);
  } finally {
    await context.close();
  }
}

describe("the page", () => {
  for (const dark of [false, true])
    for (const width of [1280, 390])
      inBrowser(
        `fits ${width} pixels in the ${dark ? "dark" : "light"}, and names in a table stay readable`,
        () =>
          withPage(width, dark, async (page) => {
            const seen = (await page.evaluate(`(() => {
              const cell = [...document.querySelectorAll("td")].find((td) => td.textContent === "adapter seed 1");
              const luminance = (color) => color.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b, 0);
              const look = getComputedStyle(document.body);
              const words = getComputedStyle(document.querySelector("svg.figure text"));
              return { width: cell.clientWidth, ground: luminance(look.backgroundColor), ink: luminance(words.fill) };
            })()`)) as { width: number; ground: number; ink: number };
            expect(seen.width).toBeGreaterThan(70);
            expect(seen.ground > 384).toBe(!dark);
            expect(Math.abs(seen.ground - seen.ink)).toBeGreaterThan(400);
          }),
        60_000,
      );

  inBrowser(
    "opens the sessions that a link leads to, and shows what a world printed as text",
    () =>
      withPage(1280, false, async (page) => {
        expect(await page.locator(".shown .term").count()).toBe(2);
        expect(await page.locator(".shown .term").first().textContent()).toContain("<script>window.hacked=1");
        expect(await page.locator("#t3").isVisible()).toBe(false);
        await page.click('a[href="#t3"]');
        expect(await page.locator("#t3").isVisible()).toBe(true);
        expect(await page.locator("#t3 .term").count()).toBe(4);
        expect(await page.locator("h1").textContent()).toBe("Experiment sample <b>x</b>");
      }),
    60_000,
  );
});
