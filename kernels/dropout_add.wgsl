// dropout_add: y += keep ? x * scale : 0, with the mask of `dropout`: its backward pass, added to a gradient.
//   x [count] f32 in   y [count] f32 in and out
// Dispatch ceil(count / WG), folded over x and y. Twin: test/reference/random.ts
// include: random
override WG: u32 = 64u;

struct Params {
  count: u32,
  threshold: u32,
  scale: f32,
  seed: u32,
  salt: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WG)
fn dropout_add(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.count && random_bits(p.seed, p.salt, i) >= p.threshold) {
    y[i] += x[i] * p.scale;
  }
}
