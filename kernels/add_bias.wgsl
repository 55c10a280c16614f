// add_bias: x[r] += bias, row by row.
//   x [rows, columns] T in and out   bias [columns] f32 in
// Dispatch ceil(rows * columns / WG), folded over x and y.
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<T>;
@group(0) @binding(1) var<storage, read> bias: array<f32>;

@compute @workgroup_size(WG)
fn add_bias(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.rows * p.columns) {
    x[i] = T(clamp(f32(x[i]) + bias[i % p.columns], -65504.0, 65504.0));
  }
}
