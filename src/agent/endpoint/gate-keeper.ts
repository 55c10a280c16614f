// How many requests may be under way: one more after a round that went well, half as many when the server says stop.

/** An adaptive limit: additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP does it. */
export class GateKeeper {
  private limit: number;
  private running = 0;
  private good = 0;
  private closedUntil = 0;
  private shrunkAt = Number.NEGATIVE_INFINITY;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly waiting: (() => void)[] = [];

  /** @param most requests at once, ever */
  constructor(private readonly most: number) {
    this.limit = Math.min(4, most);
  }

  /** Requests that may be under way now. */
  get width(): number {
    return this.limit;
  }

  /** Waits for a place; the function that comes back gives it up.
   *  @throws the signal's reason */
  async enter(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.running >= this.limit || this.waiting.length > 0 || Date.now() < this.closedUntil)
      await new Promise<void>((resolve, reject) => {
        const stop = () => {
          this.waiting.splice(this.waiting.indexOf(admit), 1);
          reject(signal?.reason);
        };
        const admit = () => {
          signal?.removeEventListener("abort", stop);
          resolve();
        };
        this.waiting.push(admit);
        signal?.addEventListener("abort", stop, { once: true });
        this.admit();
      });
    else this.running++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.running--;
      this.admit();
    };
  }

  /** A request went well: after a whole round of them there is room for one more. */
  succeeded(): void {
    if (++this.good < this.limit || this.limit >= this.most) return;
    this.good = 0;
    this.limit++;
    this.admit();
  }

  /** The server said that it has too much to do; nobody enters for `ms`. Requests of one round count once. */
  refused(ms: number, now: number = Date.now()): void {
    this.good = 0;
    if (now - this.shrunkAt > 250) this.limit = Math.max(1, Math.floor(this.limit / 2));
    this.shrunkAt = now;
    this.closedUntil = Math.max(this.closedUntil, now + ms);
  }

  private admit(): void {
    const wait = this.closedUntil - Date.now();
    if (wait > 0) {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.admit();
      }, wait);
      return;
    }
    while (this.running < this.limit && this.waiting.length > 0) {
      this.running++;
      this.waiting.shift()!();
    }
  }
}
