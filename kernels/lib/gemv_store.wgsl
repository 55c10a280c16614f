// The end of a product of few rows: threads hold partial sums of ROWS columns for BATCH rows each, which are added and stored.
// Needs THREADS (a power of two), ROWS, BATCH, O, out, and p.m, p.n, p.outOffset, p.outStride, p.accumulate, p.alpha.
var<workgroup> gemv_partials: array<f32, THREADS * ROWS * BATCH>;

// O is f16 when it cannot hold 2049.
const GEMV_HALF: bool = f32(O(2049.0)) != 2049.0;

fn gemv_store(first: u32, thread: u32, sums: array<array<f32, ROWS>, BATCH>) {
  for (var b = 0u; b < BATCH; b++) {
    for (var r = 0u; r < ROWS; r++) {
      gemv_partials[(b * ROWS + r) * THREADS + thread] = sums[b][r];
    }
  }
  workgroupBarrier();
  for (var step = THREADS / 2u; step > 0u; step /= 2u) {
    if (thread < step) {
      for (var i = 0u; i < ROWS * BATCH; i++) {
        gemv_partials[i * THREADS + thread] += gemv_partials[i * THREADS + thread + step];
      }
    }
    workgroupBarrier();
  }
  let row = thread / ROWS;
  let column = first + thread % ROWS;
  if (row >= min(BATCH, p.m) || column >= p.n) {
    return;
  }
  let at = p.outOffset + row * p.outStride + column;
  var value = p.alpha * gemv_partials[thread * THREADS];
  if (p.accumulate != 0u) {
    value += f32(out[at]);
  }
  if (GEMV_HALF) {
    value = clampToHalf(value);
  }
  out[at] = O(value);
}
