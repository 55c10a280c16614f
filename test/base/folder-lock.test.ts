import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFolder, lockName } from "../../src/base/folder-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const refused = "expected a folder that no run uses, got one that is being written";

test("a folder is one run's until it ends, and nothing is left of the lock", () => {
  {
    using _lock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(`--out ${folder}: ${refused}`);
  }
  expect(existsSync(join(folder, lockName))).toBe(false);
  using _again = lockFolder(folder);
});

test("a process that was killed leaves a folder that can be taken", async () => {
  const source = join(import.meta.dir, "..", "..", "src", "base", "folder-lock.ts");
  const program = `import { lockFolder } from ${JSON.stringify(source)};
    globalThis.held = lockFolder(${JSON.stringify(folder)}); console.log("held"); setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
  await child.stdout.getReader().read();
  expect(() => lockFolder(folder)).toThrow(refused);
  child.kill("SIGKILL");
  await child.exited;
  expect(existsSync(join(folder, lockName))).toBe(true);
  using _lock = lockFolder(folder);
});

test("a folder that cannot be written is named", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(() => lockFolder(file)).toThrow(`${join(file, lockName)}: expected a folder that can be written`);
});
