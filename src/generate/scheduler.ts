// Which sequences run, which rows the next step has, and which pages belong to whom. Nothing here touches the device.

import type { LoadedAdapter } from "./adapters.ts";
import type { CacheSizes } from "./buffers.ts";
import type { Step } from "./forward.ts";
import { PagePool } from "./page-pool.ts";
import type { Sequence } from "./sequence.ts";

/** Positions of a page. */
interface SchedulerSizes extends CacheSizes {
  readonly pageTokens: number;
}

/** A sequence's part of a step. */
interface Share {
  readonly sequence: Sequence;
  readonly take: number;
}

/** A step, and whose it is. */
export interface PlannedStep {
  readonly step: Step;
  /** In the order of the rows. */
  readonly shares: readonly Share[];
  /** Sequences whose next token the host samples, then those of which the device takes the likeliest. */
  readonly host: readonly Sequence[];
  readonly device: readonly Sequence[];
}

/** Requests, waiting and running, first come first served. */
export class Scheduler {
  readonly waiting: Sequence[] = [];
  readonly running: Sequence[] = [];
  readonly pool: PagePool;
  /** Sequences that had to give their pages back and start again. */
  preemptions = 0;
  private readonly freeSlots: number[];

  /** @param onPages told of new pages of a running sequence, from its `first`-th on. */
  constructor(
    private readonly sizes: SchedulerSizes,
    private readonly onPages: (sequence: Sequence, first: number) => void,
  ) {
    this.pool = new PagePool(sizes.pages, sizes.pageTokens);
    this.freeSlots = Array.from({ length: sizes.sequences }, (_, i) => sizes.sequences - 1 - i);
  }

  /** Takes a sequence out, wherever it is, and its pages with it. */
  remove(sequence: Sequence): void {
    const at = this.waiting.indexOf(sequence);
    if (at >= 0) this.waiting.splice(at, 1);
    else this.stop(sequence);
  }

  /** Rows of the next step; undefined when nothing is to be done.
   *  @param patient several tokens may be made before anybody looks. */
  plan(patient: boolean): PlannedStep | undefined {
    this.admit();
    const shares = this.shares();
    if (shares.length === 0) return undefined;
    const plain = shares.every(({ sequence, take }) => take === sequence.pending && sequence.pending === 1);
    const single = plain && shares.every(({ sequence }) => sequence.isPlain);
    const repeat =
      patient && single
        ? Math.min(this.sizes.stepsPerSubmit, ...shares.map(({ sequence }) => sequence.left))
        : 1;
    const ready = shares.filter(({ sequence, take }) => this.provide(sequence, take + repeat - 1));
    const kept = ready.filter(({ sequence }) => sequence.slot !== undefined);
    return kept.length ? layOut(kept, repeat) : this.plan(patient);
  }

  /** Notes that a step is done: what it computed is in the cache. */
  computed({ shares, step }: PlannedStep): void {
    for (const { sequence, take } of shares)
      if (sequence.slot !== undefined) sequence.computed += take + step.repeat - 1;
  }

  /** Lets others use the pages that a sequence has filled. */
  publish(sequence: Sequence): void {
    const { pageTokens } = this.sizes;
    const full = Math.floor(Math.min(sequence.computed, sequence.tokens.length) / pageTokens);
    for (; sequence.known < full; sequence.known++)
      sequence.chain = this.pool.publish(
        sequence.scope,
        sequence.chain,
        sequence.tokens,
        (sequence.known + 1) * pageTokens,
        sequence.pages[sequence.known]!,
      );
  }

  private admit(): void {
    while (this.waiting.length > 0 && this.freeSlots.length > 0) {
      const sequence = this.waiting[0]!;
      // The last token is always computed: the answer starts from it.
      const { pages, chain } = this.pool.match(sequence.scope, sequence.tokens, sequence.tokens.length - 1);
      const needed = Math.ceil((sequence.tokens.length + 1) / this.sizes.pageTokens) - pages.length;
      if (needed > this.pool.available && this.running.length > 0) {
        this.pool.release(pages);
        return;
      }
      this.waiting.shift();
      sequence.pages = pages;
      sequence.known = pages.length;
      sequence.chain = chain;
      sequence.computed = pages.length * this.sizes.pageTokens;
      sequence.cachedTokens ??= sequence.computed;
      sequence.slot = this.freeSlots.pop()!;
      this.running.push(sequence);
      this.onPages(sequence, 0);
    }
  }

  /** Every answer's next token first, then as much of the prompts as there is room for. */
  private shares(): Share[] {
    let room = this.sizes.stepTokens;
    const shares: Share[] = [];
    const share = (sequence: Sequence, most: number) => {
      const take = Math.min(sequence.pending, most, room);
      if (take <= 0) return;
      room -= take;
      shares.push({ sequence, take });
    };
    for (const sequence of this.running) if (sequence.pending === 1) share(sequence, 1);
    // Whoever reads an answer should not wait long for somebody else's prompt.
    if (shares.length > 0) room = Math.min(room, Math.ceil(this.sizes.stepTokens / 4));
    for (const sequence of this.running) if (sequence.pending > 1) share(sequence, this.sizes.stepTokens);
    return shares;
  }

  /** Pages for so many more tokens; takes them from the sequence that came last when there are none left.
   *  @returns false when that was this sequence itself. */
  private provide(sequence: Sequence, tokens: number): boolean {
    if (sequence.slot === undefined) return false;
    const end = sequence.computed + tokens;
    const first = sequence.pages.length;
    while (sequence.pages.length * this.sizes.pageTokens < end) {
      const page = this.pool.take();
      if (page !== undefined) {
        sequence.pages.push(page);
        continue;
      }
      const last = this.running.at(-1)!;
      this.preempt(last);
      if (last === sequence) return false;
    }
    if (sequence.pages.length > first) this.onPages(sequence, first);
    return true;
  }

  private preempt(sequence: Sequence): void {
    this.preemptions++;
    this.stop(sequence);
    this.waiting.unshift(sequence);
  }

  private stop(sequence: Sequence): void {
    const at = this.running.indexOf(sequence);
    if (at < 0) return;
    this.running.splice(at, 1);
    this.pool.release(sequence.pages);
    this.freeSlots.push(sequence.slot!);
    sequence.pages = [];
    sequence.known = 0;
    sequence.slot = undefined;
  }
}

/** Rows of one adapter lie together, the base's first. */
function layOut(unsorted: readonly Share[], repeat: number): PlannedStep {
  const shares = unsorted.toSorted((a, b) => a.sequence.scope - b.sequence.scope);
  const total = shares.reduce((sum, { take }) => sum + take, 0);
  const ids = new Uint32Array(total);
  const positions = new Uint32Array(total);
  const slots = new Uint32Array(total);
  const adapters: { adapter: LoadedAdapter; from: number; count: number }[] = [];
  const last: { sequence: Sequence; row: number }[] = [];
  let row = 0;
  for (const { sequence, take } of shares) {
    const { adapter, computed, tokens } = sequence;
    if (adapter) {
      const group = adapters.at(-1);
      if (group?.adapter === adapter) group.count += take;
      else adapters.push({ adapter, from: row, count: take });
    }
    for (let i = 0; i < take; i++) {
      ids[row] = tokens[computed + i]!;
      positions[row] = computed + i;
      slots[row] = sequence.slot!;
      row++;
    }
    if (take === sequence.pending) last.push({ sequence, row: row - 1 });
  }
  const host = last.filter(({ sequence }) => !sequence.sampler.isPlain);
  const device = last.filter(({ sequence }) => sequence.sampler.isPlain);
  return {
    shares,
    host: host.map(({ sequence }) => sequence),
    device: device.map(({ sequence }) => sequence),
    step: {
      ids,
      positions,
      slots,
      adapters: adapters.map(({ adapter, from, count }) => ({ adapter: adapter.parameters, from, count })),
      logitRows: Uint32Array.from([...host, ...device], (entry) => entry.row),
      hostRows: host.length,
      repeat,
    },
  };
}
