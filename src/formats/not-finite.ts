// How a NaN or an infinity among the weights is reported.

import { DataError } from "../base/errors.ts";

/** The error for a weight that is NaN or infinite, naming the first one. */
export function notFinite(
  name: string,
  file: string,
  values: Float32Array,
  fromRow: number,
  columns: number,
): DataError {
  const at = values.findIndex((x) => !Number.isFinite(x));
  const place =
    columns === 1 ? `[${fromRow + at}]` : `[${fromRow + Math.floor(at / columns)}, ${at % columns}]`;
  return new DataError({ file, field: name }, `expected finite weights, got ${values[at]} at ${place}`, {
    hint: "the base is damaged; download it again or choose another",
  });
}
