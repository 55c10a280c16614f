// convert: y = x element by element, from one storage type to another; values are clamped to the f16 range.
//   x [n] S in   y [n] T out
// Dispatch ceil(n / WG), split over x and y.
alias S = f32; // spec: f32 | f16
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  n: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;

@compute @workgroup_size(WG)
fn convert(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.n) {
    y[i] = T(clamp(f32(x[i]), -65504.0, 65504.0));
  }
}
