// Whether a row to be trained on gives away something of what is held out: its kind of work, its provider program, its directive or files.

import { heldOutArchetype } from "../data/holdout.ts";
import type { Scenario } from "../data/scenario.ts";
import type { TrajectoryRecord } from "../data/trajectory.ts";
import { componentsOf } from "../factory/author/archetypes/two-step.ts";
import { NearDuplicates } from "../factory/gates/near-duplicates.ts";

/** Words in a row that are compared, and the share of a directive's runs of words from which a row holds it. */
const SHINGLE_WORDS = 3;
const SAME_FROM = 0.85;

/** What leaks, and how. */
export interface Leak {
  readonly kind: "archetype" | "provider" | "near_duplicate";
  readonly why: string;
}

/** What is held out of a data set. */
export class HeldOut {
  private readonly near = new NearDuplicates();
  private readonly providers: { readonly name: string; readonly id: string; readonly called: RegExp }[] = [];
  private readonly directives: { readonly id: string; readonly shingles: ReadonlySet<string> }[] = [];

  /** @param archetypes kinds of work that no row may be of
   *  @param scenarios those that the arms trained on the set are evaluated on */
  constructor(
    private readonly archetypes: readonly string[],
    readonly scenarios: readonly Scenario[],
  ) {
    for (const scenario of scenarios) {
      const { id, provider, directive } = scenario;
      this.near.add(scenario);
      const name = provider.name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      this.providers.push({ id, name: provider.name, called: new RegExp(`(?<![\\w.-])${name}(?![\\w-])`) });
      if (directive !== null) this.directives.push({ id, shingles: new Set(shinglesOf(directive)) });
    }
  }

  /** The first thing that a row gives away.
   *  @param bundle the scenario it was made in, where that is known */
  find(record: TrajectoryRecord, bundle?: Scenario): Leak | undefined {
    const archetype = ofArchetypes(record, bundle, this.archetypes);
    if (archetype !== undefined)
      return { kind: "archetype", why: `it is of ${archetype}, which is held out` };
    const typed = record.turns.filter(({ role }) => role === "assistant").map(({ content }) => content);
    const provider = this.providers.find(
      ({ name, called }) => bundle?.provider.name === name || typed.some((command) => called.test(command)),
    );
    if (provider !== undefined)
      return { kind: "provider", why: `it calls ${provider.name}, the provider of held-out ${provider.id}` };
    return this.again(record, bundle);
  }

  private again(record: TrajectoryRecord, bundle: Scenario | undefined): Leak | undefined {
    const same = bundle === undefined ? undefined : this.near.gate(bundle);
    if (same?.passed === false)
      return { kind: "near_duplicate", why: same.reason.replace(/^it is/, "its scenario is held-out") };
    const shown = record.turns.filter(({ role }) => role !== "assistant").map(({ content }) => content);
    const shingles = new Set(shinglesOf(shown.join("\n")));
    for (const { id, shingles: wanted } of this.directives) {
      let both = 0;
      for (const one of wanted) if (shingles.has(one)) both++;
      if (both >= SAME_FROM * wanted.size)
        return { kind: "near_duplicate", why: `it shows the directive of held-out ${id}` };
    }
    return undefined;
  }
}

/** The one of `archetypes` that a row is of, by its own word, its scenario's, or a part of its work. */
export function ofArchetypes(
  record: TrajectoryRecord,
  bundle: Scenario | undefined,
  archetypes: readonly string[],
): string | undefined {
  const parts = componentsOf(bundle?.axes.variant ?? "");
  return heldOutArchetype(record, archetypes) ?? archetypes.find((name) => parts.includes(name));
}

function shinglesOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}_./~*%-]+|[^\s\p{L}\p{N}]/gu) ?? [];
  const found: string[] = [];
  for (let i = 0; i + SHINGLE_WORDS <= Math.max(words.length, SHINGLE_WORDS); i++)
    found.push(words.slice(i, i + SHINGLE_WORDS).join(" "));
  return found;
}
