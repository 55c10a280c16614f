// Who holds which page: shared where texts begin alike, kept while there is room, never twice anybody's.

import { expect, test } from "bun:test";
import { PagePool } from "../../src/generate/page-pool.ts";

const text = (...tokens: number[]) => tokens;

/** A holder of so many full pages of `tokens`, published as a sequence does. */
function fill(pool: PagePool, scope: number, tokens: number[]): number[] {
  const { pages, chain: start } = pool.match(scope, tokens, tokens.length);
  let chain = start;
  for (let end = (pages.length + 1) * 2; end <= tokens.length; end += 2) {
    const page = pool.take()!;
    pages.push(page);
    chain = pool.publish(scope, chain, tokens, end, page);
  }
  return pages;
}

test("pages are handed out once, page 0 never", () => {
  const pool = new PagePool(4, 2);
  const pages = [pool.take(), pool.take(), pool.take()];
  expect(pages.toSorted()).toEqual([1, 2, 3]);
  expect(pool.take()).toBeUndefined();
  pool.release([2]);
  expect(pool.take()).toBe(2);
  expect(() => pool.release([2, 2])).toThrow(/twice/);
});

test("a text finds the longest beginning that is known, of its own adapter only", () => {
  const pool = new PagePool(20, 2);
  const pages = fill(pool, 0, text(1, 2, 3, 4, 5, 6));
  expect(pool.match(0, text(1, 2, 3, 4, 9, 9), 6).pages).toEqual(pages.slice(0, 2));
  expect(pool.match(0, text(1, 2, 3, 4, 5, 6), 5).pages).toEqual(pages.slice(0, 2));
  expect(pool.match(1, text(1, 2, 3, 4, 5, 6), 6).pages).toEqual([]);
  // The same two tokens elsewhere in a text are other keys and values.
  expect(pool.match(0, text(3, 4), 2).pages).toEqual([]);
});

test("pages that nobody holds stay known until they are needed, ends of texts first", () => {
  const pool = new PagePool(4, 2);
  const pages = fill(pool, 0, text(1, 2, 3, 4, 5, 6));
  expect(pool.available).toBe(0);
  pool.release(pages);
  expect(pool.available).toBe(3);
  expect(pool.take()).toBe(pages[2]!);
  expect(pool.match(0, text(1, 2, 3, 4, 5, 6), 6).pages).toEqual(pages.slice(0, 2));
  expect(pool.take()).toBeUndefined();
});

test("a page is free only when all who share it have left", () => {
  const pool = new PagePool(4, 2);
  const mine = fill(pool, 0, text(1, 2));
  const { pages: yours } = pool.match(0, text(1, 2, 3), 2);
  expect(yours).toEqual(mine);
  pool.release(mine);
  expect(pool.held).toBe(1);
  pool.release(yours);
  expect(pool.held).toBe(0);
});

test("two who computed the same at once keep a page each, and one of them is known", () => {
  const pool = new PagePool(8, 2);
  const [a, b] = [pool.take()!, pool.take()!];
  const chain = pool.publish(0, pool.chainOf(0), text(1, 2), 2, a);
  expect(pool.publish(0, pool.chainOf(0), text(1, 2), 2, b)).toBe(chain);
  pool.release([b]);
  expect(pool.match(0, text(1, 2), 2).pages).toEqual([a]);
});

test("nothing is known of an adapter that went away", () => {
  const pool = new PagePool(8, 2);
  pool.release([...fill(pool, 1, text(1, 2, 3, 4)), ...fill(pool, 2, text(1, 2))]);
  pool.forgetScope(1);
  expect(pool.match(1, text(1, 2), 2).pages).toEqual([]);
  expect(pool.match(2, text(1, 2), 2).pages.length).toBe(1);
  expect(pool.available).toBe(6);
});
