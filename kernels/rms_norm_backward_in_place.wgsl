// rms_norm_backward_in_place: as rms_norm_backward, but dx replaces dy.
//   d [rows, columns] f32: dy in, dx out   x [rows, columns] S in   weight [columns] f32 in   rstd [rows] f32 in
// dx = rstd * (w dy) - x * rstd^3 / columns * sum(w dy x). Dispatch as rms_norm_forward. Twin: test/reference/rms-norm.ts
// include: reduce
alias S = f32; // spec: f32 | f16
override LANES: u32 = 64u;
override ROWS: u32 = 1u;

struct Params {
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> d: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<S>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> rstd: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn rms_norm_backward_in_place(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = row < p.rows;
  let first = row * p.columns;
  let end = select(0u, p.columns, inside);
  var product = 0.0;
  for (var c = lane; c < end; c += LANES) {
    product = fma(d[first + c] * weight[c], f32(x[first + c]), product);
  }
  let total = row_sum(thread, product);
  let scale = rstd[min(row, p.rows - 1u)];
  let pull = total * scale * scale * scale / f32(p.columns);
  for (var c = lane; c < end; c += LANES) {
    d[first + c] = d[first + c] * weight[c] * scale - f32(x[first + c]) * pull;
  }
}
