// The end of a product of few rows: threads hold partial sums of ROWS columns for BATCH rows each, which are added and stored.
// Needs THREADS, ROWS, BATCH (ROWS BATCH at most THREADS), O, out, and p.n, p.outOffset, p.outStride, p.accumulate, p.alpha.
// A line is one longer than it needs to be, so that threads that add different lines meet no bank twice.
var<workgroup> gemv_partials: array<f32, (THREADS + 1u) * ROWS * BATCH>;

// O is f16 when it cannot hold 2049.
const GEMV_HALF: bool = f32(O(2049.0)) != 2049.0;

fn gemv_store(first: u32, thread: u32, sums: array<array<f32, ROWS>, BATCH>, rows: vec2u) {
  for (var b = 0u; b < BATCH; b++) {
    for (var r = 0u; r < ROWS; r++) {
      gemv_partials[(b * ROWS + r) * (THREADS + 1u) + thread] = sums[b][r];
    }
  }
  workgroupBarrier();
  let row = thread / ROWS;
  let column = first + thread % ROWS;
  if (row >= min(BATCH, rows.y) || column >= p.n) {
    return;
  }
  var sum = 0.0;
  for (var i = 0u; i < THREADS; i++) {
    sum += gemv_partials[thread * (THREADS + 1u) + i];
  }
  let at = p.outOffset + (rows.x + row) * p.outStride + column;
  var value = p.alpha * sum;
  if (p.accumulate != 0u) {
    value += f32(out[at]);
  }
  if (GEMV_HALF) {
    value = clampToHalf(value);
  }
  out[at] = O(value);
}
