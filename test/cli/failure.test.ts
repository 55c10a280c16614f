import { expect, test } from "bun:test";
import { join } from "node:path";

const sample = join(import.meta.dir, "sample.ts");

function fail(how: string, ...args: string[]) {
  const done = Bun.spawnSync([process.execPath, sample, "fail", "now", "--how", how, ...args]);
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

test("bad data is one line with file, line and field, control characters spelled out, a hint, and exit 2", () => {
  expect(fail("data")).toEqual({
    code: 2,
    out: "",
    err: "sekft: a\\u{1b}[31m.jsonl:3: turns[0].role: expected a role, got 7\nhint: see the docs\n",
  });
});

test("with --json the error is also an object on stdout", () => {
  const { out, code } = fail("data", "--json");
  expect(code).toBe(2);
  expect(JSON.parse(out)).toEqual({
    error: {
      type: "DataError",
      message: "a\u001b[31m.jsonl:3: turns[0].role: expected a role, got 7",
      hint: "see the docs",
      exit_code: 2,
      file: "a\u001b[31m.jsonl",
      line: 3,
      field: "turns[0].role",
    },
  });
});

test("a stack is shown with --trace, and always for a bug of ours, with exit 1", () => {
  expect(fail("data").err).not.toContain("at ");
  expect(fail("data", "--trace").err).toContain("sample.ts");
  const bug = fail("bug");
  expect(bug.err).toContain("sample.ts");
  expect(bug.err).toContain("sekft: x is not a function\nhint: this is a bug");
  expect(bug.code).toBe(1);
  expect(fail("late")).toMatchObject({ code: 1, err: expect.stringContaining("sekft: nobody waited") });
});

test("a file that is not there is the user's to fix", () => {
  const { code, err } = fail("missing-file");
  expect(err).toBe("sekft: /nowhere/at/all: expected a file that can be used, got no such file\n");
  expect(code).toBe(2);
});

test("an interrupted command exits with 130", () => {
  expect(fail("interrupt").code).toBe(130);
});

async function interrupt(how: string, signal: NodeJS.Signals) {
  const child = Bun.spawn([process.execPath, sample, "fail", "now", "--how", how], {
    stdout: "pipe",
    stderr: "pipe",
  });
  for await (const _ of child.stdout) break;
  child.kill(signal);
  return { code: await child.exited, err: await new Response(child.stderr).text() };
}

test("Ctrl-C and SIGTERM end a command that has nothing to save with 130, in silence", async () => {
  expect(await interrupt("slow", "SIGINT")).toEqual({ code: 130, err: "" });
  expect(await interrupt("slow", "SIGTERM")).toEqual({ code: 130, err: "" });
});

test("a command that listens for Ctrl-C finishes its own way", async () => {
  expect(await interrupt("careful", "SIGINT")).toEqual({ code: 130, err: "sekft: saved what there was\n" });
});

test("a reader that goes away ends the command in silence", () => {
  const shell = `"${process.execPath}" "${sample}" fail now --how endless | head -n 2; echo "\${PIPESTATUS[0]}"`;
  const done = Bun.spawnSync(["bash", "-c", shell]);
  expect(done.stdout.toString()).toBe("line 0\nline 1\n0\n");
  expect(done.stderr.toString()).toBe("");
});

test("a full disk behind stdout is said, with exit 2", () => {
  const shell = `"${process.execPath}" "${sample}" show --out x > /dev/full`;
  const done = Bun.spawnSync(["bash", "-c", shell]);
  expect(done.stderr.toString()).toContain("standard output: expected room on the disk");
  expect(done.exitCode).toBe(2);
});
