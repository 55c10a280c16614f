// One bubblewrap world: its processes, how programs are started in it, how it is judged and how it ends.

import { randomBytes } from "node:crypto";
import { closeSync, rmSync, writeSync } from "node:fs";
import { InfrastructureError } from "../../base/errors.ts";
import type { Verdict, World } from "../contract.ts";
import { CappedOutput } from "../session/capped-output.ts";
import { checkerStart, checkerStatus } from "../session/checker.ts";
import type { Exec, ExecRequest, ExecStreams, RunningExec } from "../session/exec.ts";
import {
  type BubblePlan,
  checkerCommand,
  FIRST_PROCESS,
  holderCommand,
  joinCommand,
} from "./command-lines.ts";
import { memoryKills, removeGroup } from "./control-group.ts";
import { forEachChunk, isAlive, kill, spawn, until } from "./processes.ts";
import { namespaceError } from "./programs.ts";
import { startRelayed } from "./relay.ts";
import { recordWorld } from "./run-records.ts";

const START_MS = 30_000;
const END_MS = 10_000;
/** Bytes of a checker's output after which it is killed. */
const FLOOD_BYTES = 64 * 2 ** 20;
const SILENT: ExecStreams = { stdout() {}, stderr() {} };

/** Kills all but itself and the first process, then waits, with builtins only, until nothing else runs (what is dead but not yet
 *  cleared away has no program any more). */
const REAP = [
  "kill -9 -1; i=0; while [ $i -lt 20000 ]; do n=0",
  'for p in /proc/[0-9]*; do [ -e "$p/exe" ] && n=$((n+1)); done',
  "[ $n -le 1 ] && exit 0; i=$((i+1)); done; exit 1",
].join("; ");

/** The processes of one world. */
export class Bubble implements Exec {
  #dead = false;
  #closed = false;
  /** The operator's world is ended; checkers still run. */
  #judged = false;

  private constructor(
    readonly plan: BubblePlan,
    readonly process: Bun.Subprocess,
    readonly keepalive: number,
    readonly holderPid: number,
    readonly initPid: number,
    readonly record: string | undefined,
  ) {
    process.exited.then(() => {
      this.#dead = true;
    });
  }

  /** Makes the world from its packed files.
   *  @throws UserError when namespaces are not allowed; InfrastructureError when it fails otherwise */
  static async start(plan: BubblePlan, archive: Uint8Array): Promise<Bubble> {
    const child = spawn(holderCommand(plan), archive, ["pipe"]);
    // At once: this process may die before the world stands.
    const record = recordWorld(child.pid, plan.group?.paths ?? []);
    const keepalive = child.stdio[3] as unknown as number;
    const said = { out: "", error: "" };
    const ready = Promise.withResolvers<void>();
    const listening = [
      forEachChunk(child.stdout as ReadableStream<Uint8Array>, (chunk) => {
        if (said.out.length < 4096) said.out += Buffer.from(chunk).toString("latin1");
        if (said.out.includes("ready\n")) ready.resolve();
      }),
      forEachChunk(child.stderr as ReadableStream<Uint8Array>, (chunk) => {
        if (said.error.length < 4096) said.error += Buffer.from(chunk).toString();
      }),
    ];
    const gone = child.exited.then(async () => {
      await Promise.all(listening);
      throw startError(said.error);
    });
    const timer = setTimeout(() => {
      ready.reject(
        new InfrastructureError(
          "timeout",
          `sandbox bubblewrap: expected a world, got none in ${START_MS / 1000} s`,
        ),
      );
    }, START_MS);
    try {
      writeSync(keepalive, FIRST_PROCESS);
      await Promise.race([ready.promise, gone]);
    } catch (error) {
      kill(-child.pid);
      closeSync(keepalive);
      if (plan.group) await removeGroup(plan.group.paths);
      if (record) rmSync(record, { force: true });
      throw error;
    } finally {
      clearTimeout(timer);
      gone.catch(() => {});
    }
    const holderPid = Number(/holder (\d+)/.exec(said.out)?.[1]);
    const initPid = Number(/"child-pid": (\d+)/.exec(said.out)?.[1]);
    return new Bubble(plan, child, keepalive, holderPid, initPid, record);
  }

  /** Starts a program as the operator. */
  async start(request: ExecRequest, streams: ExecStreams): Promise<RunningExec> {
    this.#assertAlive();
    const token = randomBytes(8).toString("hex");
    const argv = joinCommand(this.plan, this.initPid, request.argv, token);
    return startRelayed(argv, token, request.stdin, request.env, streams);
  }

  /** Kills every process of the operator. */
  async reap(): Promise<void> {
    const running = await this.start(
      { argv: ["/bin/sh", "-c", REAP], env: {}, stdin: new Uint8Array() },
      SILENT,
    );
    const status = await running.exited;
    if (status === 0) return;
    this.#assertAlive();
    throw new InfrastructureError(
      "sandbox_dead",
      `sandbox bubblewrap: expected an end to all processes, got status ${status}`,
    );
  }

  /** Ends the operator's world for good and runs the checker in one of its own; it may be asked again. */
  async check(world: World, checker: string, timeoutMs: number, signal?: AbortSignal): Promise<Verdict> {
    if (!this.#judged) this.#assertAlive();
    else if (this.#closed || this.#dead) throw this.#gone();
    signal?.throwIfAborted();
    this.#judged = true;
    kill(this.initPid);
    await until(() => !isAlive(this.initPid), END_MS);
    const nonce = randomBytes(16).toString("hex");
    const start = checkerStart(world, checker, nonce);
    const output = new CappedOutput(this.plan.limits.outputBytes);
    const stop = Promise.withResolvers<"timeout" | "flood">();
    let told = "";
    const argv = checkerCommand(this.plan, this.holderPid, start, `relay-${nonce}`);
    const running = startRelayed(
      argv,
      `relay-${nonce}`,
      start.stdin,
      {},
      {
        stdout(chunk) {
          output.write(chunk);
          if (output.bytes > FLOOD_BYTES) stop.resolve("flood");
        },
        stderr(chunk) {
          if (told.length < 4096) told += Buffer.from(chunk).toString("latin1");
        },
      },
    );
    const timer = setTimeout(() => stop.resolve("timeout"), timeoutMs);
    const abort = () => stop.reject(signal?.reason);
    signal?.addEventListener("abort", abort);
    let ending: number | "timeout" | "flood";
    try {
      ending = await Promise.race([running.exited, stop.promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      running.abandon();
    }
    signal?.throwIfAborted();
    const text = output.finish().text;
    if (ending === "timeout") return { passed: false, status: 124, output: text, timedOut: true };
    if (ending === "flood") return { passed: false, status: 137, output: text, timedOut: false };
    const status = checkerStatus(told, nonce);
    if (status !== null)
      return { passed: status === 0 && ending === 0, status, output: text, timedOut: false };
    if (output.bytes === 0 && /^(bwrap|nsenter|setpriv|sh): /m.test(told))
      throw new InfrastructureError(
        "sandbox_dead",
        `sandbox bubblewrap: expected the checker's status, got ${told.trim().slice(0, 300)}`,
      );
    // Something that the checker ran killed the shell around it.
    return { passed: false, status: ending === 0 ? 1 : ending, output: text, timedOut: false };
  }

  /** Ends all processes and with them the world's files. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    kill(this.initPid);
    closeSync(this.keepalive);
    kill(-this.process.pid);
    await this.process.exited;
    await until(() => !isAlive(this.initPid), END_MS);
    if (this.plan.group) await removeGroup(this.plan.group.paths);
    if (this.record) rmSync(this.record, { force: true });
  }

  #assertAlive(): void {
    if (this.#closed || this.#dead || !isAlive(this.initPid)) throw this.#gone();
  }

  #gone(): InfrastructureError {
    const { group, limits } = this.plan;
    if (!this.#closed && group && memoryKills(group) > 0)
      return new InfrastructureError(
        "oom",
        `sandbox bubblewrap: expected a living world, got one that died with ${limits.memoryBytes} bytes used up`,
      );
    return new InfrastructureError(
      "sandbox_dead",
      "sandbox bubblewrap: expected a living world, got one whose first process is gone",
    );
  }
}

function startError(said: string): Error {
  if (/user ?ns|namespace|uid map|setting up/i.test(said)) return namespaceError(said);
  return new InfrastructureError(
    "provider_dead",
    `sandbox bubblewrap: expected a world, got: ${said.trim().slice(0, 300) || "no answer"}`,
  );
}
