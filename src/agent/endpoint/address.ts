// Where an endpoint is: any of the ways people write its address, made into one base URL.

import { UserError } from "../../base/errors.ts";

/** An address, taken apart. */
export interface EndpointAddress {
  /** Ends in the version part, e.g. `http://127.0.0.1:8080/v1`; routes are appended to it. */
  readonly base: string;
  /** The same without the version part: where servers keep routes of their own, e.g. `/tokenize`. */
  readonly root: string;
  /** Path of the Unix socket, if the server listens on one. */
  readonly socket: string | undefined;
  /** What messages and manifests may show: no query, no user name. */
  readonly shown: string;
}

/** Reads `http://host:port`, with or without `/v1` (or a whole route), a bare `host:port`, or `unix:/path`.
 *  @throws UserError */
export function endpointAddress(url: string): EndpointAddress {
  const socket = /^unix:(?:\/\/)?(\/.*)$/.exec(url)?.[1];
  if (socket !== undefined)
    return { base: "http://localhost/v1", root: "http://localhost", socket, shown: `unix:${socket}` };
  const wrong = (got: string) =>
    new UserError(`--url: expected an address such as http://127.0.0.1:8080/v1 or unix:/path, got ${got}`);
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`);
  } catch {
    throw wrong(url);
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") throw wrong(url);
  if (parsed.username || parsed.password)
    throw new UserError("--url: expected an address without a name and password, got one with them", {
      hint: "give the key with --key or SEKFT_KEY",
    });
  const path = parsed.pathname
    .replace(/\/(chat\/completions|completions|models)\/?$/, "")
    .replace(/\/+$/, "");
  const versioned = path.split("/").some((part) => /^v\d+((alpha|beta)\d*)?$/.test(part));
  const base = `${parsed.origin}${path}${versioned ? "" : "/v1"}`;
  return { base, root: base.replace(/\/v\d[^/]*$/, ""), socket: undefined, shown: base };
}
