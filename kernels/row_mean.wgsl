// row_mean: mean[row_offset + r] = mean of x[r].
//   x [rows, columns] f32 in   mean [..] f32 out
// Dispatch ceil(rows / ROWS), folded over x and y. Sums are taken in blocks, as in cross_entropy.
// include: reduce
override LANES: u32 = 256u;
override ROWS: u32 = 1u;
const BLOCK: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
  row_offset: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> mean: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn row_mean(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = row < p.rows;
  let first = row * p.columns;
  let end = select(0u, p.columns, inside);
  var sum = 0.0;
  for (var block = lane; block < end; block += LANES * BLOCK) {
    var part = 0.0;
    for (var c = block; c < min(end, block + LANES * BLOCK); c += LANES) {
      part += x[first + c];
    }
    sum += part;
  }
  let total = row_sum(thread, sum);
  if (inside && lane == 0u) {
    mean[p.row_offset + row] = total / f32(p.columns);
  }
}
