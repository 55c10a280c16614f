// The resident server from its options to its end: address, base, adapters, signals.

import { basename, resolve } from "node:path";
import type { Terminal } from "../base/command.ts";
import { Interrupted, UserError } from "../base/errors.ts";
import { openBase } from "../formats/base-weights.ts";
import { failedProbe } from "./adapter-registry.ts";
import { ApiKeys } from "./api-keys.ts";
import { checkAddress, listen } from "./listen.ts";
import { checkBase, openServedBase } from "./open-served-base.ts";
import type { ResidentOptions } from "./resident-options.ts";
import { ResidentServer } from "./server.ts";
import { loadTextFormat } from "./text-format.ts";

/** Serves until Ctrl-C or SIGTERM.
 *  @throws UserError or DataError before anything is served when something asked for cannot be done; Interrupted at the end;
 *  GpuError when the device was lost and did not come back. */
export async function serve(options: ResidentOptions, terminal: Terminal): Promise<void> {
  const { host, port, socket } = options;
  const address = { host, port, socket };
  const keys = options.apiKeyFile === undefined ? undefined : ApiKeys.read(options.apiKeyFile);
  checkAddress(address, keys !== undefined);
  const baseName = options.servedModelName ?? nameOf(options.base);
  const adapters = readAdapterList(options.adapter ?? [], baseName);
  if (!options.experimental) {
    checkProbe("--base", options.base);
    for (const { name, path } of adapters) checkProbe(`--adapter ${name}`, path);
  }
  checkBase(options);
  const format = loadTextFormat(options.base, options.chatTemplate);
  const died = Promise.withResolvers<never>();
  // Nobody may be waiting yet.
  died.promise.catch(() => undefined);
  const server = new ResidentServer({
    baseName,
    basePath: resolve(options.base),
    fingerprint: () => {
      using base = openBase(options.base);
      return base.fingerprint();
    },
    format,
    normalize: options.normalize,
    keys,
    overSocket: socket !== undefined,
    experimental: options.experimental,
    chatBytes: options.chatMemory * 2 ** 30,
    limits: { ...options, timeoutMs: options.requestTimeout * 1000 },
    store: resolve(options.store),
    common: {
      base: resolve(options.base),
      load4bit: options.load4bit,
      chatTemplate: options.chatTemplate && resolve(options.chatTemplate),
    },
    adapters,
    terminal,
    open: () => openServedBase(options, format, terminal),
    onDead: died.reject,
  });
  // The address first: one that is taken should not cost the time of loading.
  const listener = listen(address, server.answer);
  const stopped = untilSignal(terminal);
  try {
    terminal.note(`resident: ${listener.url}, loading ${options.base}`);
    await Promise.race([server.start(), stopped.asked]);
    if (!stopped.was()) sayReady(server, listener.url, baseName, options, terminal);
    await Promise.race([stopped.asked, died.promise]);
    throw new Interrupted("resident: stopped");
  } finally {
    await server.close();
    await listener.stop(true);
    stopped.end();
  }
}

function sayReady(
  server: ResidentServer,
  url: string,
  model: string,
  options: ResidentOptions,
  terminal: Terminal,
): void {
  const { device, contextTokens } = server.hot.current;
  const adapters = server.adapters.list.map(({ name }) => name);
  if (terminal.json)
    terminal.out(JSON.stringify({ url, model, adapters, context_tokens: contextTokens, device }));
  terminal.note(`device: ${device}`);
  terminal.note(
    `resident: ${url} serves ${[model, ...adapters].join(", ")}; context ${contextTokens} tokens, ${options.maxSequences} answers at once`,
  );
  if (!options.normalize)
    terminal.warn("resident: messages are not normalised; answers differ from what was trained");
}

/** `mistral-7b` of `/models/mistral-7b/` and of `/models/mistral-7b.gguf`. */
function nameOf(base: string): string {
  return basename(resolve(base)).replace(/\.gguf$/i, "");
}

function readAdapterList(list: readonly string[], baseName: string): { name: string; path: string }[] {
  const seen = new Set<string>([baseName]);
  return list.map((entry) => {
    const [, name, path] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
    if (name === undefined || path === undefined)
      throw new UserError(`--adapter: expected NAME=DIR, got ${entry}`);
    if (seen.has(name))
      throw new UserError(`--adapter ${entry}: expected a name of its own, got ${name} a second time`);
    seen.add(name);
    return { name, path };
  });
}

function checkProbe(option: string, path: string): void {
  const failed = failedProbe(path);
  if (failed !== undefined)
    throw new UserError(`${option}: ${failed}`, {
      hint: "--experimental serves it all the same; `sekft probe format` looks again",
    });
}

/** Waits for Ctrl-C or SIGTERM; the second one leaves at once. */
function untilSignal(terminal: Terminal): { asked: Promise<void>; was(): boolean; end(): void } {
  const { promise, resolve: ask } = Promise.withResolvers<void>();
  let asked = false;
  const listener = () => {
    if (asked) process.exit(130);
    asked = true;
    terminal.note("resident: stopping; once more to leave at once");
    ask();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    asked: promise,
    was: () => asked,
    end() {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}
