// The compiled binary, alone in an empty folder: no node_modules, no source, no Bun on the PATH.

import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { commands } from "../../src/commands/index.ts";

const root = join(import.meta.dir, "../..");
const work = mkdtempSync(join(tmpdir(), "sekft-binary-"));
const alone = join(work, "alone");
const built = Bun.spawnSync([process.execPath, "run", "scripts/build.ts", "--outdir", join(work, "dist")], {
  cwd: root,
});
if (!built.success) throw new Error(built.stderr.toString());
mkdirSync(alone);
copyFileSync(join(work, "dist/sekft"), join(alone, "sekft"));

function sekft(...args: string[]) {
  const run = Bun.spawnSync(["./sekft", ...args], {
    cwd: alone,
    env: { TMPDIR: work, PATH: "/usr/bin:/bin" },
  });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

test("is built, and says its version and commit", () => {
  expect(built.stderr.toString()).toBe("");
  const { out, code } = sekft("--version", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out).version).toBe(packageJson.version);
  expect(JSON.parse(out).commit).toMatch(/^([0-9a-f]{12}(-dirty)?|unknown)$/);
});

test("explains every command, with the examples of its table", () => {
  const main = sekft("--help");
  for (const { name } of commands) expect(main.out).toContain(`  ${name.split(" ")[0]!} `);
  for (const { name, summary, examples, options } of commands) {
    const { code, out, err } = sekft(...name.split(" "), "--help");
    expect({ name, code, err }).toEqual({ name, code: 0, err: "" });
    expect(out.replace(/\s+/g, " ")).toContain(summary);
    for (const { line } of examples) expect(out).toContain(line);
    if (Object.keys(options).length > 0) expect(out).toContain("--config <FILE");
  }
});

test("answers --help in under 100 ms", () => {
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now();
    sekft("--help");
    return performance.now() - start;
  });
  // The fastest of seven: what the program takes, not what else runs on the machine.
  expect(Math.min(...times)).toBeLessThan(100);
});

test("does not read settings that lie around it", async () => {
  await Bun.write(join(alone, "bunfig.toml"), 'preload = ["./no-such-file.ts"]');
  await Bun.write(join(alone, ".env"), "NO_COLOR=1");
  expect(sekft("--version").code).toBe(0);
});

test("refuses what it does not know with exit 2", () => {
  expect(sekft("no-such-command").code).toBe(2);
  expect(readdirSync(alone).sort()).toEqual([".env", "bunfig.toml", "sekft"]);
});
