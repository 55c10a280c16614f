// Lists of decoder layers as people write them: `2,3,4`, `2-4`, or both forms mixed.

import { UserError } from "../base/errors.ts";

/** Layers that follow on each other, both ends included. */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** First and last layer of `20-31`, or of `20` alone; undefined for other text and for a range that runs backward. */
export function layerRange(text: string): LayerRange | undefined {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  return match && from <= to ? { from, to } : undefined;
}

/** Layer numbers in ascending order, each once; undefined for none given.
 *  @param layers decoder layers of the base.
 *  @throws UserError for a word that is neither a layer of the base nor a range of them. */
export function parseLayers(words: readonly string[] | undefined, layers: number): number[] | undefined {
  if (words === undefined || words.length === 0) return undefined;
  const found = new Set<number>();
  for (const word of words) {
    const range = layerRange(word);
    if (!range || range.to >= layers)
      throw new UserError(
        `--layers-to-transform: expected layers of the base, 0 to ${layers - 1}, got ${word}`,
        {
          hint: "for example --layers-to-transform 2-4, or 0,2,4",
        },
      );
    for (let layer = range.from; layer <= range.to; layer++) found.add(layer);
  }
  return [...found].sort((a, b) => a - b);
}

/** The list with ranges for what follows on: `0, 2-4`. */
export function showLayers(layers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const layer of [...layers].sort((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last && layer <= last[1] + 1) last[1] = layer;
    else runs.push([layer, layer]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}
