// Who may look: whoever has the token of this process, through an address that can only mean this machine, reading only.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Addresses that nobody but this machine reaches. */
export const loopbackHosts: readonly string[] = ["127.0.0.1", "::1"];

/** The check that every request passes. The token is the first part of the path, so that no cookie leaves for other ports. */
export class Access {
  readonly token = randomBytes(24).toString("base64url");

  /** Path behind the token, without a leading slash; or the answer that refuses.
   *  @param port where the server listens: a name that was pointed here from outside comes with the name in its Host header */
  admit(request: Request, port: number): string | Response {
    const host = request.headers.get("host")?.toLowerCase() ?? "";
    const names = ["127.0.0.1", "localhost", "[::1]"];
    // Browsers leave out the port that is usual.
    if (!names.some((name) => host === `${name}:${port}` || (port === 80 && host === name)))
      return refuse(403, "host: expected the address that sekft view printed, got another");
    if (request.method !== "GET" && request.method !== "HEAD")
      return refuse(405, `method: expected GET or HEAD, got ${request.method}`, { allow: "GET, HEAD" });
    const site = request.headers.get("sec-fetch-site");
    if (site !== null && !["same-origin", "none"].includes(site) && !isNavigation(request))
      return refuse(403, "sec-fetch-site: expected this page, got another site");
    const [, given = "", rest] = /^\/([^/]*)(?:\/(.*))?$/s.exec(new URL(request.url).pathname) ?? [];
    if (!timingSafeEqual(hash(given), hash(this.token)))
      return refuse(403, "token: expected the address that sekft view printed, token included, got another");
    // Relative addresses of the page need the slash.
    if (rest === undefined) return new Response(null, { status: 308, headers: { location: `/${given}/` } });
    return rest;
  }
}

function isNavigation(request: Request): boolean {
  return request.headers.get("sec-fetch-mode") === "navigate";
}

function refuse(status: number, message: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${message}\n`, { status, headers: { ...headers, "content-type": "text/plain" } });
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
