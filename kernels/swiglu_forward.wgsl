// swiglu_forward: h = silu(gate) * up, element by element.
//   gate, up [count] T in   h [count] T out
// Dispatch ceil(count / WG), folded over x and y. Twin: test/reference/swiglu.ts
// include: swiglu
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  count: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> gate: array<T>;
@group(0) @binding(1) var<storage, read> up: array<T>;
@group(0) @binding(2) var<storage, read_write> h: array<T>;

@compute @workgroup_size(WG)
fn swiglu_forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.count) {
    let g = f32(gate[i]);
    h[i] = T(clamp(g * sigmoid(g) * f32(up[i]), -65504.0, 65504.0));
  }
}
