// Plain f64 RMSNorm over rows, and the gradient of its input.

type Numbers = ArrayLike<number>;

/** y = x / sqrt(mean(x²) + eps) · weight, and 1 / sqrt(..) of each row. */
export function rmsNormForward(
  x: Numbers,
  weight: Numbers,
  rows: number,
  columns: number,
  eps: number,
): { y: Float64Array; rstd: Float64Array } {
  const y = new Float64Array(rows * columns);
  const rstd = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let c = 0; c < columns; c++) squares += x[r * columns + c]! ** 2;
    rstd[r] = 1 / Math.sqrt(squares / columns + eps);
    for (let c = 0; c < columns; c++) y[r * columns + c] = x[r * columns + c]! * rstd[r]! * weight[c]!;
  }
  return { y, rstd };
}

/** dx from dy, with the weight held fixed. */
export function rmsNormBackward(
  dy: Numbers,
  x: Numbers,
  weight: Numbers,
  rstd: Numbers,
  rows: number,
  columns: number,
): Float64Array {
  const dx = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    let product = 0;
    for (let c = 0; c < columns; c++) product += dy[r * columns + c]! * weight[c]! * x[r * columns + c]!;
    for (let c = 0; c < columns; c++)
      dx[r * columns + c] =
        rstd[r]! * dy[r * columns + c]! * weight[c]! -
        (x[r * columns + c]! * rstd[r]! ** 3 * product) / columns;
  }
  return dx;
}

/** dweight from dy. */
export function rmsNormWeightBackward(
  dy: Numbers,
  x: Numbers,
  rstd: Numbers,
  rows: number,
  columns: number,
): Float64Array {
  const dweight = new Float64Array(columns);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) dweight[c]! += dy[r * columns + c]! * x[r * columns + c]! * rstd[r]!;
  return dweight;
}
