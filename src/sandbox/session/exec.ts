// The one thing a provider has to bring for a session of commands: start a program in a world, and end all that runs there.

/** A program to start in a world, as the operator, with `/` as its directory. */
export interface ExecRequest {
  /** The program by its absolute path, then its arguments; at most 100 KB each. */
  readonly argv: readonly string[];
  /** The whole environment: nothing else may be added. */
  readonly env: Readonly<Record<string, string>>;
  /** What the program reads, closed at its end. It must be a pipe or file that the operator may open again by `/dev/stdin`. */
  readonly stdin: Uint8Array;
}

/** Where the two streams go while the program runs; a chunk is only valid during the call. */
export interface ExecStreams {
  stdout(chunk: Uint8Array): void;
  stderr(chunk: Uint8Array): void;
}

/** A started program. */
export interface RunningExec {
  /** The program's status (128 + n after signal n), once it ended and both streams are at their end, which a background child
   *  that keeps a stream open may delay for ever. Rejects with an InfrastructureError when the world or its engine is gone. */
  readonly exited: Promise<number>;
  /** Stops listening and lets go of the client side; the program itself may run on until `reap`. Safe to call at any time. */
  abandon(): void;
}

/** How programs are started in one world. */
export interface Exec {
  /** @throws InfrastructureError when it could not be started */
  start(request: ExecRequest, streams: ExecStreams): Promise<RunningExec>;
  /** Kills every process of the operator in the world and returns when none is left; also tells whether the world still lives.
   *  @throws InfrastructureError `oom`, `sandbox_dead` or `provider_dead` when it does not */
  reap(): Promise<void>;
}
