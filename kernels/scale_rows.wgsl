// scale_rows: x[r] *= factors[r].
//   x [rows, columns] f32 in and out   factors [rows] f32 in
// Dispatch ceil(rows * columns / WG), folded over x and y.
override WG: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> factors: array<f32>;

@compute @workgroup_size(WG)
fn scale_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.rows * p.columns) {
    x[i] *= factors[i / p.columns];
  }
}
