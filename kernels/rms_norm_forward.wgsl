// rms_norm_forward: y = x / sqrt(mean(x^2) + eps) * weight, row by row; keeps rstd for the backward pass.
//   x [rows, columns] f32 in   weight [columns] f32 in   y [rows, columns] T out   rstd [rows] f32 out
// Dispatch ceil(rows / ROWS), folded over x and y. Zhang & Sennrich 2019, eq. 4. Twin: test/reference/rms-norm.ts
// include: reduce
alias T = f32; // spec: f32 | f16
override LANES: u32 = 64u;
override ROWS: u32 = 1u;

struct Params {
  rows: u32,
  columns: u32,
  eps: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> weight: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<T>;
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn rms_norm_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = row < p.rows;
  let first = row * p.columns;
  let end = select(0u, p.columns, inside);
  var squares = 0.0;
  for (var c = lane; c < end; c += LANES) {
    let value = x[first + c];
    squares = fma(value, value, squares);
  }
  let scale = 1.0 / sqrt(row_sum(thread, squares) / f32(p.columns) + p.eps);
  for (var c = lane; c < end; c += LANES) {
    y[first + c] = T(clamp(x[first + c] * scale * weight[c], -65504.0, 65504.0));
  }
  if (inside && lane == 0u) {
    rstd[row] = scale;
  }
}
