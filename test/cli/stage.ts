// A folder where `sekft` is a program of the shell, and nothing of the person who runs the tests is seen.

import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./documents.ts";

/** A shell with sekft in it. */
export interface Stage {
  readonly folder: string;
  /** Starts a line of the shell. */
  start(line: string, cwd?: string): Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Runs a line of the shell. */
  run(line: string, cwd?: string): Promise<{ out: string; err: string; code: number }>;
}

/** Makes the stage in `folder`, which exists. */
export function openStage(folder: string): Stage {
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  const program = join(bin, "sekft");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(root, "cli.ts")}" "$@"\n`);
  chmodSync(program, 0o755);
  // No endpoint, no key, no engine, no cache of the Hub.
  const kept = Object.entries(process.env).filter(([name]) => !/^(SEKFT|HF|DOCKER)_/.test(name));
  const PATH = `${bin}:${process.env.PATH}`;
  const env = { ...Object.fromEntries(kept), PATH, HF_HOME: join(folder, ".hub"), NO_COLOR: "1" };
  const start = (line: string, cwd = folder) =>
    Bun.spawn(["sh", "-c", line], { cwd, env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return {
    folder,
    start,
    async run(line, cwd) {
      const child = start(line, cwd);
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { out, err, code };
    },
  };
}
