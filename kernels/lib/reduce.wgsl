// Sums and maxima over the LANES threads that share a row; ROWS rows a workgroup. Needs `override LANES` and `override ROWS`.
// LANES is a power of two. With LANES = 1 nothing is exchanged: the layout for software adapters.
var<workgroup> row_partials: array<f32, LANES * ROWS>;

fn row_sum(thread: u32, value: f32) -> f32 {
  row_partials[thread] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (thread % LANES < step) {
      row_partials[thread] += row_partials[thread + step];
    }
    workgroupBarrier();
  }
  let total = row_partials[thread - thread % LANES];
  workgroupBarrier();
  return total;
}

fn row_max(thread: u32, value: f32) -> f32 {
  row_partials[thread] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (thread % LANES < step) {
      row_partials[thread] = max(row_partials[thread], row_partials[thread + step]);
    }
    workgroupBarrier();
  }
  let largest = row_partials[thread - thread % LANES];
  workgroupBarrier();
  return largest;
}
