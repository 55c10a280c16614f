// The base while the server runs: loading, ready, or being loaded again because its device was lost.

import type { Terminal } from "../base/command.ts";
import { GpuError } from "../base/errors.ts";
import { ApiError } from "./api-error.ts";
import type { ServedBase } from "./served-base.ts";

/** Pauses before a lost device is tried again, milliseconds; a driver needs a moment after a reset. */
const RETRY_PAUSES = [0, 1000, 5000, 15_000, 60_000];

/** One base that is kept loaded. */
export class HotBase {
  /** Times that the device was lost. */
  losses = 0;
  private served: ServedBase | undefined;
  private recovery: Promise<void> | undefined;
  private starting: Promise<void> | undefined;
  private closed = false;

  /** @param open loads the base.
   *  @param onOpen puts on a base what it had before, e.g. adapters.
   *  @param onDead called when it could not be loaded again. */
  constructor(
    private readonly open: () => Promise<ServedBase>,
    private readonly onOpen: (base: ServedBase) => Promise<void>,
    private readonly onDead: (error: unknown) => void,
    private readonly terminal: Terminal,
    private readonly pauses: readonly number[] = RETRY_PAUSES,
  ) {}

  /** Loads the base for the first time.
   *  @throws what loading throws. */
  start(): Promise<void> {
    this.starting = this.load();
    return this.starting;
  }

  private async load(): Promise<void> {
    const served = await this.open();
    if (this.closed) return served.close();
    this.served = served;
    await this.onOpen(served);
  }

  /** True when requests can be answered. */
  get ready(): boolean {
    return this.served !== undefined && this.recovery === undefined;
  }

  /** The loaded base.
   *  @throws ApiError 503 while it is being loaded. */
  get current(): ServedBase {
    if (this.served !== undefined && this.recovery === undefined) return this.served;
    throw new ApiError(503, "the base is being loaded; try again in a moment", {
      code: "loading",
      retryAfter: 2,
    });
  }

  /** Looks whether a failure means that the device is gone, and then starts to load the base again.
   *  @returns the failure in the client's words. */
  async explain(error: unknown): Promise<unknown> {
    if (!(error instanceof GpuError) || this.served === undefined || this.closed) return error;
    if (this.recovery === undefined) {
      if (!(await this.served.isLost())) return error;
      this.recovery ??= this.recover(error);
    }
    return new ApiError(503, "the device was lost; the base is being loaded again", {
      code: "device_lost",
      retryAfter: 5,
      cause: error,
    });
  }

  /** Resolves when nothing is being loaded. */
  async settled(): Promise<void> {
    await this.starting;
    await this.recovery;
  }

  private async recover(cause: GpuError): Promise<void> {
    this.losses++;
    this.terminal.warn(`resident: the device was lost (${cause.message}); loading the base again`);
    await closed(this.served);
    let failure: unknown = cause;
    for (const pause of this.pauses) {
      await Bun.sleep(pause);
      if (this.closed) return;
      try {
        const served = await this.open();
        if (this.closed) return closed(served);
        await this.onOpen(served);
        this.served = served;
        this.recovery = undefined;
        this.terminal.warn("resident: the base is loaded again");
        return;
      } catch (error) {
        failure = error;
        this.terminal.warn(`resident: loading failed: ${(error as Error).message}`);
      }
    }
    this.onDead(failure);
  }

  /** Gives the device back. */
  async close(): Promise<void> {
    this.closed = true;
    await closed(this.served);
  }
}

/** A lost device may refuse even to be given back. */
async function closed(served: ServedBase | undefined): Promise<void> {
  try {
    await served?.close();
  } catch {
    // There is nothing left to free.
  }
}
