// Opens the port or socket. Owns what stands in the way of that.

import { existsSync, lstatSync, rmSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import { isLoopback } from "./api-keys.ts";

/** Where to listen. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** In place of host and port. */
  readonly socket: string | undefined;
}

/** A server that takes requests. */
export interface Listener {
  /** How a client reaches it: `http://127.0.0.1:8080` or `unix:/path`. */
  readonly url: string;
  /** Takes no more requests; open ones go on until `abort`. */
  stop(abort: boolean): Promise<void>;
}

/** Seconds that a connection may say nothing while its request is read. */
const IDLE_SECONDS = 60;

type Answer = (request: Request) => Promise<Response>;

/** Refuses an address that others can reach without a key.
 *  @throws UserError */
export function checkAddress({ host, socket }: Address, hasKeys: boolean): void {
  if (socket !== undefined || hasKeys || isLoopback(host)) return;
  throw new UserError(
    `--host ${host}: expected --api-key-file for an address that others can reach, got none`,
    {
      hint: "put a long random key on a line of a file, or stay on 127.0.0.1",
    },
  );
}

/** Opens the address.
 *  @throws UserError when it is taken or cannot be had. */
export function listen(address: Address, answer: Answer): Listener {
  const common = {
    // Bodies are counted while they are read, so that a client hears why; see request-body.ts.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    development: false,
    fetch(request: Request, server: Bun.Server<undefined>) {
      // An answer may take longer than a connection may be idle; it has a time limit of its own.
      server.timeout(request, 0);
      return answer(request);
    },
  } as const;
  return address.socket === undefined ? listenPort(address, common) : listenSocket(address.socket, common);
}

type Common = {
  readonly maxRequestBodySize: number;
  readonly development: false;
  fetch(request: Request, server: Bun.Server<undefined>): Promise<Response>;
};

function listenPort({ host, port }: Address, common: Common): Listener {
  try {
    const server = Bun.serve({ ...common, hostname: host, port, idleTimeout: IDLE_SECONDS });
    return { url: server.url.origin, stop: (abort) => server.stop(abort) };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new UserError(`--port ${port}: expected a free port, got one in use`, {
        hint: "another server listens there; choose another port, or 0 for any free one",
        cause,
      });
    if (code === "EACCES")
      throw new UserError(`--port ${port}: expected a port that may be opened, got ${code}`, { cause });
    throw new UserError(
      `--host ${host}: expected an address of this machine, got ${code ?? (cause as Error).message}`,
      { cause },
    );
  }
}

function listenSocket(path: string, common: Common): Listener {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there)
    throw new UserError(
      `--socket ${path}: expected a path where nothing is, got ${there.isSocket() ? "a socket" : "a file"}`,
      {
        hint: there.isSocket()
          ? "another server may listen there; if none does, remove it"
          : "choose another path",
      },
    );
  let server: Bun.Server<undefined>;
  // Whoever may open the socket may ask: nobody but its owner.
  const mask = process.umask(0o177);
  try {
    server = Bun.serve({ ...common, unix: path });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new UserError(
      `--socket ${path}: expected a path where a socket can be made, got ${code ?? (cause as Error).message}`,
      {
        hint: "the folder must exist, and the whole path be at most 107 bytes long",
        cause,
      },
    );
  } finally {
    process.umask(mask);
  }
  return {
    url: `unix:${path}`,
    async stop(abort) {
      await server.stop(abort);
      if (existsSync(path)) rmSync(path, { force: true });
    },
  };
}
