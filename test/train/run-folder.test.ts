import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkFolder, clearRun } from "../../src/train/run-folder.ts";

const root = mkdtempSync(join(tmpdir(), "sekft-folder-"));
let folder = "";
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fresh = { resume: false, overwrite: false };

describe("the output folder", () => {
  test("may be new, empty, or hold something else", () => {
    expect(checkFolder(join(folder, "new"), "base", fresh)).toBe("empty");
    expect(checkFolder(folder, "base", fresh)).toBe("empty");
    writeFileSync(join(folder, "notes.txt"), "");
    expect(checkFolder(folder, "base", fresh)).toBe("other");
  });

  for (const name of ["manifest.json", "checkpoint-5", "adapter_model.safetensors"])
    test(`is refused when ${name} says that it holds another run, unless that is wanted`, () => {
      mkdirSync(join(folder, name));
      expect(() => checkFolder(folder, "base", fresh)).toThrow("got one that holds another run");
      expect(checkFolder(folder, "base", { resume: true, overwrite: false })).toBe("run");
      expect(checkFolder(folder, "base", { resume: false, overwrite: true })).toBe("run");
      expect(() => checkFolder(folder, "base", { resume: true, overwrite: true })).toThrow("got both");
    });

  test("is never a file, the base, or another model", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    expect(() => checkFolder(file, "base", fresh)).toThrow("expected a folder, got a file");
    expect(() => checkFolder(folder, folder, fresh)).toThrow("got the base model's");
    writeFileSync(join(folder, "config.json"), "{}");
    expect(() => checkFolder(folder, "base", fresh)).toThrow("holds a model");
  });

  test("loses only what a run wrote", () => {
    for (const name of ["checkpoint-5", ".checkpoint-6.part", "runs"]) mkdirSync(join(folder, name));
    for (const name of ["manifest.json", "log.jsonl", "notes.txt"]) writeFileSync(join(folder, name), "");
    clearRun(folder);
    const left = ["checkpoint-5", ".checkpoint-6.part", "runs", "manifest.json", "log.jsonl", "notes.txt"];
    expect(left.filter((name) => existsSync(join(folder, name)))).toEqual(["notes.txt"]);
  });
});
