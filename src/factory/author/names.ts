// Names of provider programs: made up, and within one seed never given twice, so that held-out work shares none.

import { Rng } from "../../base/rng.ts";
import { syllables } from "../taxonomy.ts";

/** More than there are archetypes; changing it changes every name. */
const ARCHETYPES_AT_MOST = 32;

/** How many names begin with a syllable of their own, and what the others begin with. No beginning may be much more frequent than a
 *  syllable: where five of them began five names in eight, adapters wrote them in place of the name on the screen. None is a word that
 *  stands around a name in an announcement (`run`, `ask`). */
const BARE = 0.7;
const prefixes = ("get my new go do op un x z j d- q- v- w- h- n- b- my- to- sh- op- x- a-" as const).split(
  " ",
);

/** The provider of scenario `index` of the archetype with number `ordinal`. Two syllables that differ, later ones three. */
export function providerName(seed: number, ordinal: number, index: number): string {
  const count = syllables.length;
  const pairs = count * (count - 1);
  const rng = new Rng(`${seed}/names`);
  const offset = rng.int(0, pairs - 1);
  let step = rng.int(1, pairs - 1);
  while (greatestCommonDivisor(step, pairs) !== 1) step++;
  const number = index * ARCHETYPES_AT_MOST + ordinal;
  const pair = ((number % pairs) * step + offset) % pairs;
  const first = Math.floor(pair / (count - 1));
  const second = pair % (count - 1);
  const later = second >= first ? second + 1 : second;
  const round = Math.floor(number / pairs);
  const third = round === 0 ? "" : syllables[(round + later) % count]!;
  const shape = new Rng(`${seed}/names/${number}`);
  const prefix = shape.chance(BARE) ? "" : shape.pick(prefixes);
  return `${prefix}${syllables[first]}${syllables[later]}${third}`;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
