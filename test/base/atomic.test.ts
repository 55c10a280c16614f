import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskError, writeChunksAtomic, writeFileAtomic } from "../../src/base/atomic.ts";
import { UserError } from "../../src/base/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-atomic-"));

test("a file is written whole, folders included, and replaces the old one", () => {
  const path = join(folder, "a/b/c.txt");
  writeFileAtomic(path, "one");
  writeFileAtomic(path, new Uint8Array([0x74, 0x77, 0x6f]));
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(readdirSync(join(folder, "a/b"))).toEqual(["c.txt"]);
});

test("a write that fails half way leaves the old file and nothing else", () => {
  const path = join(folder, "d/e.bin");
  writeFileAtomic(path, "old");
  const chunks = function* () {
    yield new Uint8Array(1000);
    throw new Error("no more");
  };
  expect(() => writeChunksAtomic(path, chunks())).toThrow("no more");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(join(folder, "d"))).toEqual(["e.bin"]);
});

test("a full disk and a folder without permission are the user's to fix", () => {
  const full = diskError("out/x", Object.assign(new Error("write"), { code: "ENOSPC" }));
  expect(full).toBeInstanceOf(UserError);
  expect((full as UserError).message).toBe("out/x: expected room on the disk, got none left");
  const closed = diskError("out/x", Object.assign(new Error("open"), { code: "EROFS" }));
  expect((closed as UserError).message).toBe("out/x: expected a writable folder, got EROFS");
  const other = new TypeError("ours");
  expect(diskError("out/x", other)).toBe(other);
});
