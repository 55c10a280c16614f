import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  diskError,
  finishedName,
  removeUnfinished,
  writeChunksAtomic,
  writeFileAtomic,
} from "../../src/base/atomic.ts";
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

test("what kill -9 leaves in the middle of a write is told by its name, and removed without anything else", async () => {
  const path = join(folder, "f/g.json");
  writeFileAtomic(path, "old");
  const program = `import { writeChunksAtomic } from ${JSON.stringify(join(import.meta.dir, "../../src/base/atomic.ts"))};
    writeChunksAtomic(${JSON.stringify(path)}, (function* () { yield new Uint8Array(9); process.kill(process.pid, "SIGKILL"); })());`;
  const child = Bun.spawn([process.execPath, "-e", program]);
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(readdirSync(join(folder, "f")).map(finishedName)).toEqual(["g.json", "g.json"]);
  writeFileSync(join(folder, "f/photos.tar.part-2"), "somebody's");
  removeUnfinished(join(folder, "f"), (name) => name === "g.json");
  expect(readdirSync(join(folder, "f")).sort()).toEqual(["g.json", "photos.tar.part-2"]);
  expect(readFileSync(path, "utf8")).toBe("old");
  removeUnfinished(join(folder, "nowhere"), () => true);
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
