// Wanted shares: as the file states them, in parts of 1 or of 100, or those of the plan by kind. They add up, or the mix is refused.

import { closest, show } from "../base/errors.ts";
import type { YamlValue } from "../base/yaml-file.ts";
import { type Kind, PLAN } from "./spec.ts";

/** What a file says about the share of one source. */
interface Stated {
  readonly name: string;
  readonly value: YamlValue;
  readonly share: YamlValue | undefined;
  readonly kind: string | undefined;
  /** It is held out whole, so nothing of it is in the mix. */
  readonly whole: boolean;
}

/** 0.1 + 0.2 is not 0.3. */
const ROUNDING = 1e-9;

/** Shares from 0 to 1 that add up to 1, in the order of the sources.
 *  @throws DataError when they do not, or when some are stated and others are not */
export function readShares(sources: readonly Stated[], all: YamlValue): number[] {
  const mixed = sources.filter(({ whole }) => !whole);
  const odd = sources.find(({ whole, share }) => whole && share !== undefined);
  if (odd !== undefined)
    throw odd.share!.wrong("expected no share of a source that is held out whole (holdout: all), got one");
  if (mixed.length === 0) throw all.wrong("expected a source that is not held out whole, got none");
  const stated = mixed.filter(({ share }) => share !== undefined);
  if (stated.length === 0) return planned(sources, all);
  const without = mixed.find(({ share }) => share === undefined);
  if (without !== undefined)
    throw without.value.wrong("expected a share, as the other sources have one, got none");
  const numbers = mixed.map(({ share }) => shareNumber(share!));
  const sum = numbers.reduce((total, { value }) => total + value, 0);
  const percent = numbers.some((one) => one.percent) || Math.abs(sum - 1) > 0.5;
  const whole = percent ? 100 : 1;
  if (Math.abs(sum - whole) > ROUNDING * whole)
    throw all.wrong(
      `expected shares that add up to ${percent ? "100" : "1 or 100"}, got ${Number(sum.toFixed(6))} (${mixed
        .map(({ name }, i) => `${name} ${numbers[i]!.value}`)
        .join(" + ")})`,
    );
  const of = new Map(mixed.map(({ name }, i) => [name, numbers[i]!.value / sum]));
  return sources.map(({ name }) => of.get(name) ?? 0);
}

function shareNumber(value: YamlValue): { value: number; percent: boolean } {
  const raw = value.plain(true);
  const text = typeof raw === "string" ? raw.trim() : "";
  const percent = text.endsWith("%");
  const number = Number(percent ? text.slice(0, -1) : text);
  if (text === "" || !(number > 0 && number <= 100))
    throw value.wrong(`expected a share above 0 and at most 100, got ${show(raw)}`);
  return { value: number, percent };
}

/** The plan's shares; several sources of one kind have equal parts of it. */
function planned(sources: readonly Stated[], all: YamlValue): number[] {
  const kinds = Object.keys(PLAN) as Kind[];
  const named = sources.map(({ name, value, kind = name, whole }) => {
    const known = kinds.find((one) => one === kind);
    if (known === undefined && !whole) {
      const near = closest(kind, kinds);
      throw value.wrong(
        `expected a share, or one of the kinds ${kinds.join(", ")}, got ${show(kind)}`,
        near === undefined
          ? "without any share the plan's are taken, by kind: `kind: code`"
          : `did you mean ${near}?`,
      );
    }
    return whole ? undefined : known;
  });
  const missing = kinds.filter((kind) => !named.includes(kind));
  if (missing.length > 0)
    throw all.wrong(
      `expected shares that add up to 100, got none for ${missing.join(", ")} (${missing
        .map((kind) => `${Math.round(100 * PLAN[kind])} %`)
        .join(", ")} of the plan)`,
      "state a share for each source to mix other kinds than the plan's",
    );
  return named.map((kind) =>
    kind === undefined ? 0 : PLAN[kind] / named.filter((other) => other === kind).length,
  );
}
