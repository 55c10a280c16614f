// Tries an episode again when the machinery failed, and keeps what failed for the log.

import { Interrupted } from "../base/errors.ts";
import type { Episode } from "./contract.ts";

/** How often and how patiently. */
export interface RetryPolicy {
  /** Runs in all. */
  readonly attempts: number;
  /** Milliseconds before the second, third, ... run; the last one counts for all that follow. */
  readonly backoff: readonly number[];
}

export const defaultRetries: RetryPolicy = { attempts: 3, backoff: [1000, 5000, 20_000] };

/** The episode that counts, and those before it that the machinery broke. */
export interface Tried {
  readonly episode: Episode;
  readonly failed: readonly Episode[];
}

/** Runs until an episode ends without an infrastructure error, or until trying again cannot help.
 *  @throws what `run` throws, and Interrupted when `signal` is given up while waiting. */
export async function withRetries(
  run: (attempt: number) => Promise<Episode>,
  { attempts, backoff }: RetryPolicy,
  signal?: AbortSignal,
): Promise<Tried> {
  const failed: Episode[] = [];
  for (let attempt = 0; ; attempt++) {
    const episode = await run(attempt);
    if (episode.error === null || episode.error.retryable === false || attempt + 1 >= attempts)
      return { episode, failed };
    failed.push(episode);
    await pause(backoff[Math.min(attempt, backoff.length - 1)] ?? 0, signal);
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const over = () => new Interrupted("interrupted while waiting to try again");
  if (signal?.aborted) throw over();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(over());
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
