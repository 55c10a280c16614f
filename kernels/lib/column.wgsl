// Sums over the SLOTS threads that share a column; COLUMNS columns lie side by side in a workgroup, so that neighbouring threads
// read neighbouring elements. Needs `override COLUMNS` and `override SLOTS`, a power of two. With SLOTS = 1 nothing is exchanged.
var<workgroup> column_partials: array<f32, COLUMNS * SLOTS>;

fn column_total(thread: u32, value: f32) -> f32 {
  column_partials[thread] = value;
  workgroupBarrier();
  for (var step = SLOTS / 2u; step > 0u; step /= 2u) {
    if (thread < step * COLUMNS) {
      column_partials[thread] += column_partials[thread + step * COLUMNS];
    }
    workgroupBarrier();
  }
  return column_partials[thread % COLUMNS];
}
