// swiglu_backward: gradients of gate and up.
//   gate, up [count] T in   dh [count] f32 in   dgate, dup [count] f32 out
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
@group(0) @binding(2) var<storage, read> dh: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup: array<f32>;

@compute @workgroup_size(WG)
fn swiglu_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.count) {
    let g = f32(gate[i]);
    let slope = dh[i];
    dgate[i] = slope * swiglu_gate_slope(g, f32(up[i]));
    dup[i] = slope * g * sigmoid(g);
  }
}
