// The server of the page from its options to Ctrl-C.

import { existsSync } from "node:fs";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { Interruption } from "../base/interruption.ts";
import type { Options } from "../base/options.ts";
import { Access, loopbackHosts } from "./access.ts";
import { Library } from "./library.ts";
import { Routes } from "./routes.ts";
import type { viewOptions } from "./view-options.ts";

type ViewOptions = Options<typeof viewOptions>;

/** A page that is served. */
export interface ServedView {
  /** With the token. */
  readonly url: string;
  stop(): Promise<void>;
}

/** Opens the port.
 *  @throws UserError for an address that others reach, a port in use or a folder that is not there */
export function startView({ paths, base, port, host }: Omit<ViewOptions, "open">): ServedView {
  if (!loopbackHosts.includes(host))
    throw new UserError(`--host ${host}: expected 127.0.0.1 or ::1, got an address that others could reach`, {
      hint: "the page shows every transcript and file name below its folders; from another machine, use `ssh -L`",
    });
  if (base !== undefined && !existsSync(base))
    throw new UserError(`--base ${base}: expected a base (a directory or a GGUF file), got nothing there`);
  const library = new Library(paths ?? ["runs", "."], paths === undefined, base);
  const routes = new Routes(library);
  const access = new Access();
  let server: Bun.Server<undefined>;
  try {
    server = Bun.serve({
      hostname: host,
      port,
      development: false,
      // Bun shares a port between servers of one process unless told not to.
      reusePort: false,
      idleTimeout: 120,
      maxRequestBodySize: 0,
      fetch(request, { port: own }) {
        const admitted = access.admit(request, own!);
        if (admitted instanceof Response) return admitted;
        return routes.answer(admitted, new URL(request.url).searchParams);
      },
    });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      throw new UserError(`--port ${port}: expected a free port, got one in use`, {
        hint: "leave --port out for any free one",
        cause,
      });
    throw new UserError(`--port ${port}: expected a port that may be opened, got ${code ?? String(cause)}`, {
      cause,
    });
  }
  return { url: `${server.url.origin}/${access.token}/`, stop: () => server.stop(true) };
}

/** Serves until Ctrl-C or SIGTERM.
 *  @throws what {@link startView} throws */
export async function serveView(options: ViewOptions, terminal: Terminal): Promise<void> {
  using interruption = new Interruption();
  const view = startView(options);
  if (terminal.json) terminal.out(JSON.stringify({ url: view.url }));
  else {
    terminal.out(view.url);
    terminal.note("view: only this machine can open it, and only with the whole address; Ctrl-C ends it");
  }
  if (options.open && terminal.interactive) openBrowser(view.url);
  const { signal } = interruption;
  if (!signal.aborted) await new Promise((done) => signal.addEventListener("abort", done, { once: true }));
  await view.stop();
}

/** Whoever has no browser still has the address. */
function openBrowser(url: string): void {
  const { platform, env } = process;
  if (platform === "linux" && !env.DISPLAY && !env.WAYLAND_DISPLAY) return;
  const command =
    platform === "darwin"
      ? ["open", url]
      : platform === "win32"
        ? ["rundll32", "url.dll,FileProtocolHandler", url]
        : ["xdg-open", url];
  try {
    Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] }).unref();
  } catch {
    // No such program: the address was printed.
  }
}
