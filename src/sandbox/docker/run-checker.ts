// The checker of a world: in a container of its own, over volumes that it cannot change, while the world itself stands still.

import { randomBytes } from "node:crypto";
import { DataError } from "../../base/errors.ts";
import type { SandboxLimits, Verdict, World } from "../contract.ts";
import { CappedOutput } from "../session/capped-output.ts";
import { checkerStart, checkerStatus } from "../session/checker.ts";
import { checkerContainer } from "./container.ts";
import { withoutHome } from "./docker-exec.ts";
import { ask, type Engine } from "./engine.ts";
import { FrameReader } from "./frames.ts";

/** Runs `checker` over the volumes `names` (place in the image -> name). */
export async function runChecker(
  engine: Engine,
  image: string,
  world: World,
  limits: SandboxLimits,
  names: ReadonlyMap<string, string>,
  checker: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Verdict> {
  const nonce = randomBytes(16).toString("hex");
  const start = checkerStart(world, checker, nonce);
  const program = { argv: withoutHome(start), env: start.env };
  const container = await ask("docker create", () =>
    engine.docker.createContainer(checkerContainer(image, world.host, limits, names, program)),
  );
  const output = new CappedOutput(limits.outputBytes);
  let told = "";
  let timedOut = false;
  const kill = () => void container.kill({ signal: "KILL" }).catch(() => {});
  try {
    const stream = await ask("docker attach", () =>
      container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true }),
    );
    const reader = new FrameReader(
      (chunk) => {
        output.write(chunk);
        if (output.bytes > FLOOD_BYTES) kill();
      },
      (chunk) => {
        if (told.length < 1000) told += Buffer.from(chunk).toString("latin1");
      },
    );
    const ended = new Promise<void>((resolve) => {
      stream.on("data", (chunk: Buffer) => reader.write(chunk));
      for (const event of ["end", "close", "error"]) stream.on(event, () => resolve());
    });
    const exit = ask("docker wait", () => container.wait({ condition: "next-exit" }), timeoutMs + LATE_MS);
    exit.catch(() => {});
    await ask("docker start", () => container.start());
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener("abort", kill);
    let code: number;
    try {
      stream.end(Buffer.from(start.stdin));
      code = (await exit).StatusCode;
      await ended;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", kill);
    }
    signal?.throwIfAborted();
    const status = timedOut ? 124 : checkerStatus(told, nonce);
    const passed = status === 0 && code === 0;
    return { passed, status: status ?? (code === 0 ? 1 : code), output: output.finish().text, timedOut };
  } finally {
    await container.remove({ force: true }).catch(() => {});
  }
}

const FLOOD_BYTES = 64 * 2 ** 20;
/** Milliseconds that killing a checker may take. */
const LATE_MS = 30_000;

/** @throws DataError when a world does not fit into its volumes */
export function tooLarge(world: World, limits: SandboxLimits, cause: unknown): DataError {
  return new DataError(
    { file: `world ${world.id}`, field: "fixtures" },
    `expected files of at most ${limits.diskBytes} bytes below each of a world's roots, got more`,
    { cause, hint: "--disk gives a world more space" },
  );
}
