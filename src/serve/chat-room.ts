// Whether there is room for answers beside a job that trains on the same device.

import { formatBytes } from "../base/format.ts";
import { ApiError } from "./api-error.ts";

/** Milliseconds for which a look at the device counts: asking a driver takes a while. */
const LOOK_MS = 1000;

/** Refuses answers while training has left too little memory. */
export class ChatRoom {
  private seen: { readonly at: number; readonly bytes: number | undefined } | undefined;

  /** @param isTraining a job runs.
   *  @param left bytes that the device has left; undefined where nobody can tell.
   *  @param needed bytes that answers need; 0: nothing is ever refused. */
  constructor(
    private readonly isTraining: () => boolean,
    private readonly left: () => number | undefined,
    private readonly needed: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws ApiError 503 when a job trains and too little is left. */
  check(): void {
    if (this.needed === 0 || !this.isTraining()) return;
    const now = this.now();
    if (this.seen === undefined || now - this.seen.at >= LOOK_MS) this.seen = { at: now, bytes: this.left() };
    const { bytes } = this.seen;
    if (bytes === undefined || bytes >= this.needed) return;
    throw new ApiError(
      503,
      `a job trains on this device and leaves ${formatBytes(bytes)} of memory; answers need ${formatBytes(this.needed)}`,
      { code: "training", retryAfter: 30 },
    );
  }
}
