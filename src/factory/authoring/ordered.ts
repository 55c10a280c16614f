// Work that runs several at a time and is taken in order, so that its outcome never depends on how many run.

/** Yields `work(item)` for every item, in order; up to `jobs` run at once. When the reader stops, a task fails or `signal` is
 *  aborted, the rest is aborted and waited for. */
export async function* inOrder<T, R>(
  items: readonly T[],
  jobs: number,
  work: (item: T, signal: AbortSignal) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<{ item: T; result: R }> {
  const stop = new AbortController();
  const all = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const started: Promise<{ ok: true; result: R } | { ok: false; error: unknown }>[] = [];
  let running = 0;
  let taken = 0;
  const start = () => {
    // A slow one at the head must not let the others run away: what they did would be lost with a kill.
    while (running < jobs && started.length < items.length && started.length < taken + 4 * jobs) {
      running++;
      started.push(
        work(items[started.length]!, all).then(
          (result) => ({ ok: true as const, result }),
          (error) => ({ ok: false as const, error }),
        ),
      );
      started.at(-1)!.then(() => {
        running--;
        if (!all.aborted) start();
      });
    }
  };
  try {
    for (const [i, item] of items.entries()) {
      taken = i;
      start();
      const end = await started[i]!;
      if (!end.ok) throw end.error;
      signal?.throwIfAborted();
      yield { item, result: end.result };
    }
  } finally {
    stop.abort();
    await Promise.all(started);
  }
}
