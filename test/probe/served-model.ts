// A model behind HTTP whose answers are known beforehand, and `sekft probe` run on it in this process.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command, Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { silent } from "../base/silent-terminal.ts";

/** A folder that is gone with the test. */
export function temporary(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "sekft-probe-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** What a request asks, and how an answer ends. */
export interface Said {
  readonly text: string;
  readonly cut?: boolean;
}

/** Serves chat and completions. */
export function serveModel(answers: {
  chat?: (prompt: string) => Said;
  complete?: (prefix: string) => Said;
}): { readonly url: string } & Disposable {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/v1/models") return Response.json({ data: [{ id: "made" }] });
      const body = (await request.json()) as { messages?: { content: string }[]; prompt?: string };
      const said = body.messages
        ? answers.chat?.(body.messages.at(-1)!.content)
        : answers.complete?.(body.prompt ?? "");
      if (said === undefined) return new Response("no", { status: 404 });
      const finish_reason = said.cut ? "length" : "stop";
      const choice = body.messages
        ? { message: { role: "assistant", content: said.text }, finish_reason }
        : { text: said.text, finish_reason };
      return Response.json({ id: "1", model: "made", choices: [{ index: 0, ...choice }] });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/v1`,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** What the tests look at in a probe's file. */
export interface ProbeFile {
  readonly passed: boolean;
  readonly reasons: readonly string[];
  readonly n: number;
  readonly rate: unknown;
  readonly figures: Readonly<Record<string, { x: number; n: number; low: number }>>;
  readonly entries: readonly { id: string; leaked: boolean; secrets: readonly unknown[] }[];
}

/** Runs a probe; returns its file and what it threw. */
export async function runProbe(
  command: Command,
  flags: Readonly<Record<string, unknown>> & { readonly out: string },
): Promise<{
  result: ProbeFile;
  error: (Error & { exitCode?: number }) | undefined;
  said: string[];
}> {
  const said: string[] = [];
  const terminal: Terminal = { ...silent, out: (line) => said.push(line), warn: (line) => said.push(line) };
  let error: Error | undefined;
  try {
    await command.run(resolveOptions(command.options, flags, {}), terminal);
  } catch (thrown) {
    error = thrown as Error;
  }
  const file = join(flags.out, `${command.name.replace(" ", "-")}.json`);
  return { result: JSON.parse(readFileSync(file, "utf8")), error, said };
}
