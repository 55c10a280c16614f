// rms_norm_weight_backward: gradient of the weight of rms_norm_forward, dweight[c] += sum of dy[r][c] x[r][c] rstd[r] over all rows.
//   dy [rows, columns] f32 in   x [rows, columns] S in   rstd [rows] f32 in   dweight [columns] f32 in and out
// Dispatch ceil(columns / COLUMNS), folded over x and y, as column_sum. Twin: test/reference/rms-norm.ts
// include: column
alias S = f32; // spec: f32 | f16
override COLUMNS: u32 = 32u;
override SLOTS: u32 = 8u;
const BLOCK: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<S>;
@group(0) @binding(2) var<storage, read> rstd: array<f32>;
@group(0) @binding(3) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(COLUMNS * SLOTS)
fn rms_norm_weight_backward(
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
      let at = r * p.columns + column;
      part = fma(dy[at], f32(x[at]) * rstd[r], part);
    }
    sum += part;
  }
  let total = column_total(thread, sum);
  if (inside && slot == 0u) {
    dweight[column] += total;
  }
}
