// A resident server for a test: around a base of the test's own, or around a real one.

import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { type Listener, listen } from "../../src/serve/listen.ts";
import { openServedBase } from "../../src/serve/open-served-base.ts";
import { residentOptions } from "../../src/serve/resident-options.ts";
import { ResidentServer, type ServerParts } from "../../src/serve/server.ts";
import { loadTextFormat } from "../../src/serve/text-format.ts";
import { temporaryFolder } from "./tiny-base.ts";

/** A terminal that remembers. */
export function listening(): { terminal: Terminal; said: string[] } {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const flags = { interactive: false, color: false, json: false, quiet: false, columns: 80 };
  return { terminal: { out: say, note: say, warn: say, ...flags }, said };
}

/** A server that runs. */
export interface Running {
  readonly server: ResidentServer;
  readonly listener: Listener;
  readonly url: string;
  readonly said: string[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string): Promise<Response>;
  close(): Promise<void>;
}

/** Starts a server on a free port. */
export async function run(
  parts: Partial<ServerParts> & Pick<ServerParts, "open" | "format">,
): Promise<Running> {
  const { terminal, said } = listening();
  const server = new ResidentServer({
    baseName: "tiny",
    basePath: "tiny",
    fingerprint: () => "sha256:0",
    normalize: true,
    keys: undefined,
    overSocket: false,
    limits: {
      maxRequestBytes: 1 << 20,
      maxFileBytes: 1 << 22,
      maxSequences: 8,
      maxQueue: 64,
      timeoutMs: 60_000,
    },
    store: join(temporaryFolder(), "store"),
    common: { base: "tiny", load4bit: false, chatTemplate: undefined },
    adapters: [],
    terminal,
    pauses: [0, 1, 1],
    onDead: (error) => said.push(`dead: ${(error as Error).message}`),
    ...parts,
  });
  const listener = listen({ host: "127.0.0.1", port: 0, socket: undefined }, server.answer);
  await server.start();
  const ask = (path: string, init?: RequestInit) => fetch(`${listener.url}${path}`, init);
  return {
    server,
    listener,
    url: listener.url,
    said,
    get: (path) => ask(path),
    post: (path, body, headers = {}) =>
      ask(path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    async close() {
      await server.close();
      await listener.stop(true);
    },
  };
}

/** Starts a server on a real base. */
export async function runReal(base: string, parts: Partial<ServerParts> = {}): Promise<Running> {
  const options = resolveOptions(residentOptions, { base });
  const format = loadTextFormat(base);
  return run({
    basePath: base,
    fingerprint: () => {
      using weights = openBase(base);
      return weights.fingerprint();
    },
    format,
    open: () => openServedBase(options, format, listening().terminal),
    common: { base, load4bit: false, chatTemplate: undefined },
    ...parts,
  });
}
