// Listens to a program that runs behind the relay of the command lines.

import type { ExecStreams, RunningExec } from "../session/exec.ts";
import { forEachChunk, kill, spawn } from "./processes.ts";

/** Milliseconds that a stream may stay open after the program that it belongs to. */
const DRAIN_MS = 250;

/** Starts `argv`, made with `token`, and listens until the program ended and its streams with it, or shortly after when something
 *  that it left behind holds them. What the relay itself says does not reach `streams`.
 *  @throws InfrastructureError when the machine cannot start a process */
export function startRelayed(
  argv: string[],
  token: string,
  stdin: Uint8Array,
  env: Readonly<Record<string, string>>,
  streams: ExecStreams,
): RunningExec {
  const child = spawn(argv, stdin, [], env);
  const ended = Promise.withResolvers<number>();
  const trailer = new RegExp(`${token} (\\d+)\\n$`);
  let listening = true;
  let told: number | undefined;
  let held = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onError = (chunk: Uint8Array) => {
    held += Buffer.from(chunk).toString("latin1");
    const found = trailer.exec(held);
    // All but what may be the start of the trailer goes on.
    const cut = found ? found.index : Math.max(0, held.length - token.length - 8);
    if (listening && cut > 0) streams.stderr(Buffer.from(held.slice(0, cut), "latin1"));
    held = found ? "" : held.slice(cut);
    if (!found) return;
    told = Number(found[1]);
    timer = setTimeout(() => ended.resolve(told!), DRAIN_MS);
  };
  Promise.all([
    forEachChunk(child.stdout as ReadableStream<Uint8Array>, (chunk) => {
      if (listening) streams.stdout(chunk);
    }),
    forEachChunk(child.stderr as ReadableStream<Uint8Array>, onError),
    child.exited,
  ]).then(([, , status]) => {
    clearTimeout(timer);
    if (listening && held) streams.stderr(Buffer.from(held, "latin1"));
    ended.resolve(told ?? status);
  }, ended.reject);
  return {
    exited: ended.promise,
    abandon() {
      listening = false;
      clearTimeout(timer);
      kill(-child.pid);
    },
  };
}
