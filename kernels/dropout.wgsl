// dropout: y = keep ? x * scale : 0, where an element is dropped when its random bits are below `threshold`.
//   x [count] S in   y [count] T out
// threshold = probability * 2^32, scale = 1 / (1 - probability). Dispatch ceil(count / WG), folded over x and y.
// Srivastava et al. 2014. Twin: test/reference/random.ts
// include: random
alias S = f32; // spec: f32 | f16
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  count: u32,
  threshold: u32,
  scale: f32,
  seed: u32,
  salt: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<S>;
@group(0) @binding(1) var<storage, read_write> y: array<T>;

@compute @workgroup_size(WG)
fn dropout(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.count) {
    let keep = random_bits(p.seed, p.salt, i) >= p.threshold;
    y[i] = T(select(0.0, clamp(f32(x[i]) * p.scale, -65504.0, 65504.0), keep));
  }
}
