// A server on this machine that speaks the Hub's routes, and misbehaves as told.

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubFile {
  readonly path: string;
  readonly content: Buffer;
  /** Large files are listed with a sha256, small ones with git's sha1. */
  readonly lfs?: boolean;
}

/** Does something instead of the usual answer; returns false to let the usual answer through. */
export type Misbehave = (
  file: HubFile,
  request: IncomingMessage,
  response: ServerResponse,
  times: number,
) => boolean | Promise<boolean>;

export const commit = "0123456789abcdef0123456789abcdef01234567";

export function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

export function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The running server. */
export interface HubServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Method, path, range and token of every request. */
  readonly log: { readonly path: string; readonly range?: string; readonly authorization?: string }[];
  /** Bytes of file content sent. */
  sent(): number;
}

/** Starts a server that has one repository. */
export async function startHub(options: {
  readonly repo?: string;
  readonly type?: "model" | "dataset";
  readonly files: readonly HubFile[];
  /** Entries of the listing, in place of those of the files. */
  readonly tree?: unknown;
  readonly token?: string;
  readonly misbehave?: Misbehave;
  /** Status of the first requests for information, e.g. [429, 503]. */
  readonly infoStatus?: readonly { readonly status: number; readonly retryAfter?: string }[];
  /** Sends files by a redirect to this address. */
  readonly redirect?: (path: string) => string;
}): Promise<HubServer> {
  const { repo = "org/name", type = "model", files, tree, token } = options;
  const log: { path: string; range?: string; authorization?: string }[] = [];
  const times = new Map<string, number>();
  const infoStatus = [...(options.infoStatus ?? [])];
  let sent = 0;
  const json = (response: ServerResponse, value: unknown, status = 200) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  const listed = files.map(({ path, content, lfs }) => ({
    type: "file",
    path,
    size: content.length,
    oid: lfs ? "0".repeat(40) : gitHash(content),
    ...(lfs && { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } }),
  }));
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://hub").pathname);
    const { range, authorization } = request.headers;
    log.push({ path, ...(range && { range }), ...(authorization && { authorization }) });
    if (token !== undefined && authorization !== `Bearer ${token}`)
      return json(response, { error: "Invalid credentials" }, 401);
    const page = type === "dataset" ? `datasets/${repo}` : repo;
    const api = `/api/${type}s/${repo}`;
    if (path.startsWith("/api/")) {
      const next = infoStatus.shift();
      if (next !== undefined) {
        response.writeHead(
          next.status,
          next.retryAfter === undefined ? {} : { "Retry-After": next.retryAfter },
        );
        return response.end("busy");
      }
    }
    if (path === `${api}/revision/main` || path === `${api}/revision/${commit}`)
      return json(response, { _id: "1", id: repo, sha: commit, lastModified: "2026-01-01T00:00:00Z" });
    if (path === `${api}/tree/${commit}`) return json(response, tree ?? listed);
    const prefix = `/${page}/resolve/${commit}/`;
    const file = files.find((one) => path === prefix + one.path);
    if (file === undefined) return json(response, { error: "Not found" }, 404);
    const count = (times.get(file.path) ?? 0) + 1;
    times.set(file.path, count);
    if (options.redirect !== undefined) {
      response.writeHead(302, { Location: options.redirect(file.path) });
      return response.end();
    }
    if (await options.misbehave?.(file, request, response, count)) return undefined;
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0);
    const body = file.content.subarray(from);
    sent += body.length;
    response.writeHead(from > 0 ? 206 : 200, {
      "Content-Length": body.length,
      ...(from > 0 && {
        "Content-Range": `bytes ${from}-${file.content.length - 1}/${file.content.length}`,
      }),
    });
    return response.end(body);
  };
  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

/** Sends the first `bytes` of what was asked for and then closes the connection in the middle of the answer. */
export function cutAfter(
  bytes: number,
): (file: HubFile, request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async ({ content }, request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const whole = content.length - from;
    response.writeHead(from > 0 ? 206 : 200, {
      "Content-Length": whole,
      ...(from > 0 && { "Content-Range": `bytes ${from}-${content.length - 1}/${content.length}` }),
    });
    response.write(content.subarray(from, from + bytes));
    await Bun.sleep(30);
    response.destroy();
    return true;
  };
}
