// Pages of the key and value cache: who holds them, and which of them a new prompt can use again.
// A full page is known by its adapter and all tokens up to its end; pages that nobody holds stay until room is needed, the ones
// unused for longest going first. Kwon et al. 2023, "PagedAttention", sections 4.3 and 4.5.

/** A full page that others may share. */
interface Known {
  /** Never used again, even when the page is. */
  readonly id: number;
  readonly key: string;
  readonly scope: number;
}

/** Where a chain of known pages stands: the last one's id, or the start of an adapter's chain. */
export type Chain = string;

/** The pages of one engine. Page 0 is scratch and never handed out. */
export class PagePool {
  private readonly free: number[] = [];
  private readonly holders: Uint32Array;
  private readonly known: (Known | undefined)[];
  private readonly byKey = new Map<string, number>();
  /** Known pages that nobody holds, longest unused first. */
  private readonly idle = new Set<number>();
  private nextId = 1;

  constructor(
    readonly pages: number,
    private readonly pageTokens: number,
  ) {
    this.holders = new Uint32Array(pages);
    this.known = new Array(pages);
    for (let page = pages - 1; page > 0; page--) this.free.push(page);
  }

  /** Pages that can be handed out now. */
  get available(): number {
    return this.free.length + this.idle.size;
  }

  /** Pages that sequences hold. */
  get held(): number {
    return this.pages - 1 - this.available;
  }

  /** The start of the chain of an adapter. */
  chainOf(scope: number): Chain {
    return `scope ${scope}`;
  }

  /** A page of one's own; undefined when all are held. */
  take(): number | undefined {
    let page = this.free.pop();
    if (page === undefined) {
      const [oldest] = this.idle;
      if (oldest === undefined) return undefined;
      this.forget(oldest);
      page = oldest;
    }
    this.holders[page] = 1;
    return page;
  }

  /** Holds the known pages that begin `tokens`, at most `limit` tokens of it. */
  match(scope: number, tokens: readonly number[], limit: number): { pages: number[]; chain: Chain } {
    const pages: number[] = [];
    let chain = this.chainOf(scope);
    for (let end = this.pageTokens; end <= limit; end += this.pageTokens) {
      const page = this.byKey.get(this.keyOf(chain, tokens, end));
      if (page === undefined) break;
      if (this.holders[page]!++ === 0) this.idle.delete(page);
      pages.push(page);
      chain = this.chainAt(page);
    }
    return { pages, chain };
  }

  /** Makes a full page known: it holds the `pageTokens` tokens before `end`, behind `chain`.
   *  @returns the chain that ends with it. Where another page holds the same already, this one stays private. */
  publish(scope: number, chain: Chain, tokens: readonly number[], end: number, page: number): Chain {
    const key = this.keyOf(chain, tokens, end);
    const existing = this.byKey.get(key);
    if (existing !== undefined) return this.chainAt(existing);
    this.byKey.set(key, page);
    this.known[page] = { id: this.nextId++, key, scope };
    return this.chainAt(page);
  }

  /** Lets go of pages, the last first, so that a chain loses its end before its start. */
  release(pages: readonly number[]): void {
    for (const page of pages.toReversed()) {
      if (this.holders[page] === 0) throw new Error(`page ${page}: released twice`);
      if (--this.holders[page]! > 0) continue;
      if (this.known[page]) this.idle.add(page);
      else this.free.push(page);
    }
  }

  /** Forgets what is known of an adapter that goes away. */
  forgetScope(scope: number): void {
    for (const page of [...this.idle])
      if (this.known[page]!.scope === scope) {
        this.forget(page);
        this.free.push(page);
      }
  }

  private forget(page: number): void {
    this.byKey.delete(this.known[page]!.key);
    this.known[page] = undefined;
    this.idle.delete(page);
  }

  private chainAt(page: number): Chain {
    return String(this.known[page]!.id);
  }

  private keyOf(chain: Chain, tokens: readonly number[], end: number): string {
    return `${chain}:${tokens.slice(end - this.pageTokens, end)}`;
  }
}
