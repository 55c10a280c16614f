import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Asked, readSettings, type Settings, writeSettings } from "../../src/quickstart/settings.ts";

const scratch = mkdtempSync(join(tmpdir(), "sekft-quickstart-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const asked: Asked = { base: "embedded", minutes: 10, seed: 1, n: 16, sandbox: "auto" };
const settings: Settings = {
  version: 1,
  asked,
  budget: {
    sessions: 500,
    replay: 250,
    steps: 94,
    seconds: { sessions: 75, scenarios: 12, training: 300, eval: 20 },
  },
  device: {
    name: "llvmpipe",
    software: true,
    tokensPerSecond: 1234.5,
    parameters: 2_413_000,
    trained: 292_000,
    bytes: 1e8,
  },
  sandbox: "bubblewrap",
};

function folder(name: string): string {
  const path = join(scratch, name);
  mkdirSync(path);
  return path;
}

describe("the folder of a quickstart", () => {
  test("is new where there is nothing, and goes on with what it settled", () => {
    expect(readSettings(join(scratch, "absent"), asked)).toBeUndefined();
    const path = folder("own");
    expect(readSettings(path, asked)).toBeUndefined();
    writeSettings(path, settings);
    expect(readSettings(path, asked)).toEqual(settings);
  });

  test("is refused when it holds something else, and nothing in it changes", () => {
    const path = folder("other");
    writeFileSync(join(path, "thesis.tex"), "mine");
    expect(() => readSettings(path, asked)).toThrow(
      `--out ${path}: expected an empty folder or one of a quickstart, got one with thesis.tex in it`,
    );
    expect(readdirSync(path)).toEqual(["thesis.tex"]);
    const file = join(scratch, "file");
    writeFileSync(file, "");
    expect(() => readSettings(file, asked)).toThrow(`--out ${file}: expected a folder, got a file`);
  });

  test("is refused for other settings, which are named, with a folder that is free", () => {
    const path = folder("begun");
    writeSettings(path, settings);
    mkdirSync(`${path}-2`);
    let hint: string | undefined;
    try {
      readSettings(path, { ...asked, minutes: 20, seed: 2 });
    } catch (error) {
      hint = (error as { hint?: string }).hint;
      expect((error as Error).message).toBe(
        `--out ${path}: expected the settings that the quickstart there began with (--minutes 10 --seed 1), got --minutes 20 --seed 2`,
      );
    }
    expect(hint).toBe(`keep it and take another folder: --out ${path}-3`);
  });

  test("is refused when its file is damaged, by name", () => {
    const path = folder("damaged");
    writeFileSync(join(path, "quickstart.json"), '{"version": 1');
    expect(() => readSettings(path, asked)).toThrow(
      /quickstart\.json: expected what a quickstart settled, got no JSON/,
    );
    writeFileSync(join(path, "quickstart.json"), '{"version": 7}');
    expect(() => readSettings(path, asked)).toThrow(/got \{"version":7\}/);
  });
});
