// column_sum: y[c] += sum of x[r][c] over all rows: the gradient of a bias.
//   x [rows, columns] f32 in   y [columns] f32 in and out
// Dispatch ceil(columns / COLUMNS), folded over x and y. Each of SLOTS threads takes an equal run of rows, summed in blocks.
// include: column
override COLUMNS: u32 = 32u;
override SLOTS: u32 = 8u;
const BLOCK: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(COLUMNS * SLOTS)
fn column_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let column = (group.y * groups.x + group.x) * COLUMNS + thread % COLUMNS;
  let slot = thread / COLUMNS;
  let inside = column < p.columns;
  let run = (p.rows + SLOTS - 1u) / SLOTS;
  let end = select(0u, min(p.rows, (slot + 1u) * run), inside);
  var sum = 0.0;
  for (var block = slot * run; block < end; block += BLOCK) {
    var part = 0.0;
    for (var r = block; r < min(end, block + BLOCK); r++) {
      part += x[r * p.columns + column];
    }
    sum += part;
  }
  let total = column_total(thread, sum);
  if (inside && slot == 0u) {
    y[column] += total;
  }
}
