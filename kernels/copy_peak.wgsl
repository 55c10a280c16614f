// copy_peak: y = x, four words at a time, to learn how fast the device's memory is; `sekft doctor --bench` alone uses it.
//   x [n] vec4f in   y [n] vec4f out
// Dispatch ceil(n / WG), split over x and y.
override WG: u32 = 64u;

struct Params {
  n: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WG)
fn copy_peak(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.n) {
    y[i] = x[i];
  }
}
