// How long to wait before the next try: what the server asks for, or exponential backoff with full jitter.

/** Longest wait between two tries, milliseconds. */
const LONGEST_BACKOFF_MS = 30_000;

/** Milliseconds before try number `attempt + 1`; full jitter over an exponentially growing span, so that clients that were
 *  refused together do not come back together.
 *  @param random from 0 to 1 */
export function backoff(attempt: number, baseMs: number, random: number): number {
  const span = Math.min(LONGEST_BACKOFF_MS, baseMs * 2 ** attempt);
  return Math.round(span / 2 + (random * span) / 2);
}

/** What `Retry-After` asks for, seconds or an HTTP date (RFC 9110, 10.2.3), in milliseconds from `now`; also the
 *  `retry-after-ms` that some servers send. `undefined`: nothing that can be read. */
export function retryAfter(headers: Headers, now: number = Date.now()): number | undefined {
  const ms = headers.get("retry-after-ms");
  if (ms !== null && /^\d+(\.\d+)?$/.test(ms)) return Number(ms);
  const value = headers.get("retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return 1000 * Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Waits; wakes up at once, with the signal's reason, when it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
