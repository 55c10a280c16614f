// Who may ask: API keys, and what a browser may not do to a server on the same machine.

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { UserError } from "../base/errors.ts";
import { ApiError } from "./api-error.ts";

/** Keys, of which nothing is kept but hashes. */
export class ApiKeys {
  private readonly hashes: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.hashes = keys.map(hash);
  }

  /** Reads keys from a file, one a line; empty lines and lines with # do not count.
   *  @throws UserError when there is none. */
  static read(file: string): ApiKeys {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (cause) {
      throw new UserError(
        `--api-key-file ${file}: expected a file with keys, got ${(cause as NodeJS.ErrnoException).code}`,
        { cause },
      );
    }
    const keys = text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    if (keys.length === 0) throw new UserError(`--api-key-file ${file}: expected a key on a line, got none`);
    return new ApiKeys(keys);
  }

  /** Checks the Authorization header; the time it takes says nothing about the keys.
   *  @throws ApiError 401. */
  check(request: Request): void {
    const header = request.headers.get("authorization") ?? "";
    const given = hash(/^Bearer (.*)$/i.exec(header)?.[1] ?? "");
    let known = false;
    for (const one of this.hashes) if (timingSafeEqual(one, given)) known = true;
    if (known) return;
    throw new ApiError(
      401,
      header === ""
        ? "authorization: expected Bearer and an API key, got nothing"
        : "authorization: expected a valid API key, got another one",
      { code: "invalid_api_key", headers: { "www-authenticate": "Bearer" } },
    );
  }
}

/** Without keys, only programs on this machine may ask: a page in a browser sends its own origin, and a name that was pointed
 *  here from outside is not one of this machine's.
 *  @throws ApiError 403. */
export function checkLocal(request: Request, url: URL): void {
  const origin = request.headers.get("origin");
  if (origin !== null && !isLoopbackOrigin(origin))
    throw new ApiError(
      403,
      "origin: expected a page of this machine, got another; start the server with --api-key-file",
      {
        code: "foreign_origin",
      },
    );
  if (!isLoopback(url.hostname))
    throw new ApiError(
      403,
      "host: expected a name of this machine, got another; start the server with --api-key-file",
      {
        code: "foreign_host",
      },
    );
}

/** True for addresses and names that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "");
  if (bare === "localhost" || bare.endsWith(".localhost")) return true;
  return (isIP(bare) === 4 && bare.startsWith("127.")) || bare === "::1";
}

function isLoopbackOrigin(origin: string): boolean {
  try {
    return isLoopback(new URL(origin).hostname);
  } catch {
    return false;
  }
}

function hash(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}
