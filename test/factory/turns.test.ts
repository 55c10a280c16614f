import { expect, test } from "bun:test";
import { Turns } from "../../src/factory/author/turns.ts";

const sequence = (
  archetypes: readonly string[],
  weights: Readonly<Record<string, number>>,
  count: number,
) => {
  const turns = new Turns(archetypes, weights);
  return Array.from({ length: count }, (_, i) => turns.at(i));
};

test("weights 5, 1, 1 give the sequence of nginx's own example", () => {
  const given = sequence(["a", "b", "c"], { a: 5 }, 14).map(({ archetype }) => archetype);
  expect(given.join(" ")).toBe("a a b a c a a a a b a c a a");
});

test("equal weights go round and round, and the index counts an archetype's own turns", () => {
  expect(sequence(["x", "y"], {}, 4)).toEqual([
    { archetype: "x", index: 0 },
    { archetype: "y", index: 0 },
    { archetype: "x", index: 1 },
    { archetype: "y", index: 1 },
  ]);
});

test("seven archetypes, one of a third's weight: 100 turns hold it 5 times, 16 to 4 apart", () => {
  const names = ["a", "b", "c", "d", "e", "f", "rare"];
  const given = sequence(names, { rare: 1 / 3 }, 100).map(({ archetype }) => archetype);
  expect(given.filter((name) => name === "rare")).toHaveLength(5);
  for (const name of names.slice(0, 6)) expect(given.filter((one) => one === name).length).toBeWithin(15, 17);
});

test("turns may be asked for in any order", () => {
  const turns = new Turns(["a", "b"], { b: 2 });
  const later = turns.at(5);
  expect([turns.at(0).archetype, later]).toEqual(["b", sequence(["a", "b"], { b: 2 }, 6)[5]!]);
});
