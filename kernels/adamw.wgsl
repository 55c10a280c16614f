// adamw: one AdamW update of `count` elements from `start` on, in the order of torch's fused kernel; nothing when the
// gradients of this step were not all finite.
//   parameter [..] f32 in and out   g [..] f32 in   m, v [..] f32 in and out   norm [4] f32 in: the result of grad_norm
// keep = 1 - rate * weight_decay, step_size = rate / correction1, root2 = sqrt(correction2), all made in f64 by the host.
// Dispatch ceil(count / WG), folded over x and y. Loshchilov & Hutter 2019, algorithm 2; ATen/native/cpu/FusedAdamKernel.cpp.
// Twin: test/reference/adamw.ts
override WG: u32 = 64u;

struct Params {
  start: u32,
  count: u32,
  keep: f32,
  step_size: f32,
  gain1: f32,
  beta2: f32,
  gain2: f32,
  root2: f32,
  eps: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> parameter: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read> norm: array<f32>;

@compute @workgroup_size(WG)
fn adamw(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= p.count || norm[2] == 0.0) {
    return;
  }
  let at = p.start + i;
  let slope = g[at] * norm[3] * norm[1];
  let first = fma(p.gain1, slope - m[at], m[at]);
  let second = v[at] * p.beta2 + p.gain2 * slope * slope;
  m[at] = first;
  v[at] = second;
  let root = sqrt(second) / p.root2 + p.eps;
  parameter[at] = parameter[at] * p.keep - p.step_size * first / root;
}
