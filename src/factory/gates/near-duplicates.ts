// The gate of near-duplicates: a set of scenarios that differ in names only would count one thing many times.

import { createHash } from "node:crypto";
import type { Scenario } from "../../data/scenario.ts";
import { failed, type GateResult, passed } from "./gate.ts";

/** Words in a row that are compared. */
const SHINGLE_WORDS = 3;
/** Jaccard similarity from which two scenarios are the same. */
const SAME_FROM = 0.85;
/** MinHash: values of a signature, and how many of them a bucket is keyed by. With 32 bands of 4, a pair of similarity 0.85
 *  is missed with probability (1 - 0.85^4)^32 < 1e-10 (Broder 1997; Leskovec et al., Mining of Massive Datasets, 3.4). */
const BANDS = 32;
const ROWS = 4;

interface Known {
  readonly id: string;
  readonly shingles: ReadonlySet<number>;
}

/** The scenarios admitted so far. Directives, files and, where there is no directive, providers are compared, names of
 *  people, programs and places replaced by their order of appearance. */
export class NearDuplicates {
  private readonly buckets = new Map<string, Known[]>();

  /** Whether a scenario may join. */
  gate(scenario: Scenario): GateResult {
    const shingles = shinglesOf(scenario);
    let worst: { id: string; similarity: number } | undefined;
    for (const key of bandKeys(shingles))
      for (const known of this.buckets.get(key) ?? []) {
        const similarity = jaccard(shingles, known.shingles);
        if (similarity > (worst?.similarity ?? 0)) worst = { id: known.id, similarity };
      }
    const evidence = worst ? { nearest: worst.id, similarity: Number(worst.similarity.toFixed(3)) } : {};
    if (worst && worst.similarity >= SAME_FROM)
      return failed(
        "near_duplicate",
        `it is ${worst.id} again: ${(100 * worst.similarity).toFixed(0)} % of directive and files are the same but for names`,
        evidence,
      );
    return passed("near_duplicate", "nothing like it is in the set", evidence);
  }

  /** Lets a scenario join. */
  add(scenario: Scenario): void {
    const known = { id: scenario.id, shingles: shinglesOf(scenario) };
    for (const key of bandKeys(known.shingles)) {
      const bucket = this.buckets.get(key);
      if (bucket) bucket.push(known);
      else this.buckets.set(key, [known]);
    }
  }
}

/** Hashes of the runs of words in what is compared. */
function shinglesOf(scenario: Scenario): Set<number> {
  const { directive, fixtures, announcement, provider, archetype, user, host } = scenario;
  const own = fixtures.filter(
    ({ content, path }) => path !== "/etc/motd" && !content.includes(provider.name),
  );
  const files = own.map(({ path, content, mode }) => `${path} ${mode ?? ""} ${content}`);
  const frame = directive === null ? [announcement.login, provider.script] : [];
  const text = [archetype, directive ?? "", ...files, ...frame].join("\n");
  const names = new Map<string, string>();
  const placed = text
    .replaceAll(provider.path, " provider ")
    .replaceAll(provider.name, " provider ")
    .replaceAll(`/home/${user}`, "~")
    .replace(new RegExp(`\\b(${user}|${host})\\b`, "g"), " name ")
    // A place is known by the order in which it appears, its ending stays.
    .replace(/(?:~|\/)[\w.-]*(?:\/[\w.-]+)+/g, (path) =>
      path.replace(/[\w-]+(?=\.|\/|$)/g, (part, at: number) => {
        if (path[at - 1] === ".") return part;
        const known = names.get(part);
        if (known) return known;
        names.set(part, `p${names.size}`);
        return names.get(part)!;
      }),
    );
  const words = placed.toLowerCase().match(/[\p{L}\p{N}_./~*%-]+|[^\s\p{L}\p{N}]/gu) ?? [];
  const found = new Set<number>();
  for (let i = 0; i + SHINGLE_WORDS <= Math.max(words.length, SHINGLE_WORDS); i++)
    found.add(hash32(words.slice(i, i + SHINGLE_WORDS).join(" ")));
  return found;
}

function bandKeys(shingles: ReadonlySet<number>): string[] {
  const signature = new Uint32Array(BANDS * ROWS).fill(0xffffffff);
  for (const shingle of shingles)
    for (let i = 0; i < signature.length; i++) {
      const value = mix(shingle, i);
      if (value < signature[i]!) signature[i] = value;
    }
  return Array.from(
    { length: BANDS },
    (_, band) => `${band}:${signature.slice(band * ROWS, (band + 1) * ROWS).join(",")}`,
  );
}

function jaccard(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  let both = 0;
  for (const one of a) if (b.has(one)) both++;
  return both / (a.size + b.size - both);
}

function hash32(text: string): number {
  return createHash("md5").update(text).digest().readUInt32LE(0);
}

/** One of a family of hash functions: the finaliser of MurmurHash3 over a value shifted by odd multiples. */
function mix(value: number, which: number): number {
  let h = (value ^ Math.imul(which + 1, 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
