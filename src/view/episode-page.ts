// One page of the list of sessions: filtered, grouped by scenario, arms side by side.

import type { Words } from "./columns.ts";
import type { RowSource } from "./row-source.ts";
import type { EpisodeGroup, EpisodePage, EpisodeRow } from "./shapes.ts";
import { TextSearch } from "./text-search.ts";

/** What to show. Empty words do not filter. */
export interface EpisodeFilter {
  readonly arm: string;
  readonly outcome: string;
  readonly archetype: string;
  readonly flips: boolean;
  readonly text: string;
  readonly from: number;
  readonly count: number;
}

const SEARCH_MS = 150;
const KEPT_SEARCHES = 4;

/** Pages of one source; remembers its last searches. */
export class EpisodePages {
  private searches: TextSearch[] = [];
  private generation = 0;
  private matches: { readonly key: string; readonly groups: readonly number[] } | undefined;

  constructor(readonly source: RowSource) {}

  /** Groups with a session that fits; a text search goes a little further with each call. */
  page(filter: EpisodeFilter): EpisodePage {
    const { source } = this;
    if (source.generation !== this.generation) {
      this.searches = [];
      this.generation = source.generation;
      this.matches = undefined;
    }
    const search = filter.text === "" ? undefined : this.search(filter.text);
    search?.advance(source, SEARCH_MS);
    const groups = this.matching(filter, search);
    const shown = groups.slice(filter.from, filter.from + filter.count);
    const { table } = source;
    return {
      index: source.state,
      total: table.groups.length,
      matched: groups.length,
      from: filter.from,
      groups: shown.map((group) => this.describe(group, search)),
      facets: {
        arms: facet(table.arms),
        outcomes: facet(table.outcomes),
        archetypes: facet(table.archetypes),
      },
      flips: this.flips(),
      ...(search && { searched: search.searched }),
    };
  }

  private search(query: string): TextSearch {
    let search = this.searches.find((one) => one.query === query);
    search ??= new TextSearch(query);
    this.searches = [search, ...this.searches.filter((one) => one !== search)].slice(0, KEPT_SEARCHES);
    return search;
  }

  private matching(filter: EpisodeFilter, search: TextSearch | undefined): readonly number[] {
    const { table } = this.source;
    const { arm, outcome, archetype, flips, text } = filter;
    const key = JSON.stringify([arm, outcome, archetype, flips, text, table.length, search?.searched]);
    if (this.matches?.key === key) return this.matches.groups;
    const wanted = ([table.arms, table.outcomes, table.archetypes] as const)
      .map((words, i) => ({ words, word: [arm, outcome, archetype][i]! }))
      .filter(({ word }) => word !== "")
      .map(({ words, word }) => ({ words, number: words.find(word) }));
    const groups: number[] = [];
    for (const [group, rows] of table.groups.entries()) {
      if (flips && !table.flips(group)) continue;
      const fits = rows.some(
        (row) =>
          wanted.every(({ words, number }) => words.number(row) === number) &&
          (!search || search.hits.has(row)),
      );
      if (fits) groups.push(group);
    }
    this.matches = { key, groups };
    return groups;
  }

  private counted: { readonly rows: number; readonly generation: number; readonly flips: number } | undefined;

  private flips(): number {
    const { table } = this.source;
    const { counted, generation } = this;
    if (counted?.rows === table.length && counted.generation === generation) return counted.flips;
    let flips = 0;
    for (let group = 0; group < table.groups.length; group++) if (table.flips(group)) flips++;
    this.counted = { rows: table.length, generation, flips };
    return flips;
  }

  private describe(group: number, search: TextSearch | undefined): EpisodeGroup {
    const { table } = this.source;
    const rows = table.groups[group]!;
    const { name, archetype } = table.facts(rows[0]!);
    const snippet = rows.map((row) => search?.hits.get(row)?.snippet).find((text) => text !== undefined);
    return {
      group,
      name,
      archetype,
      rows: rows.map((row): EpisodeRow => {
        const { arm, outcome, clean, broken, steps } = table.facts(row);
        return { row, arm, outcome, steps, tone: broken ? "warn" : clean ? "good" : "bad" };
      }),
      ...(snippet !== undefined && { snippet }),
    };
  }
}

function facet(words: Words): [string, number][] {
  return words.names.map((name, i): [string, number] => [name, words.counts[i]!]).sort((a, b) => b[1] - a[1]);
}
