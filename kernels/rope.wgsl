// rope: rotates the pairs (d, d + head_dim / 2) of every head by its token's angle, half-split pairing as Hugging Face's.
//   x [tokens, heads, head_dim] f32 in   positions [tokens] u32 in   cosines, sines [positions, head_dim / 2] f32 in
//   y [tokens, heads, head_dim] T out
// `direction` is 1, or -1 for the inverse (the backward pass). Dispatch ceil(pairs / WG), folded over x and y.
// Su et al. 2021, "RoFormer", eq. 34. Twin: test/reference/rope.ts
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  heads: u32,
  half_dim: u32,
  direction: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> positions: array<u32>;
@group(0) @binding(2) var<storage, read> cosines: array<f32>;
@group(0) @binding(3) var<storage, read> sines: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<T>;

@compute @workgroup_size(WG)
fn rope(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  let pairs_a_token = p.heads * p.half_dim;
  if (i >= p.tokens * pairs_a_token) {
    return;
  }
  let d = i % p.half_dim;
  let first = (i / p.half_dim) * 2u * p.half_dim + d;
  let second = first + p.half_dim;
  let angle = positions[i / pairs_a_token] * p.half_dim + d;
  let c = cosines[angle];
  let s = sines[angle] * p.direction;
  let a = x[first];
  let b = x[second];
  y[first] = T(clamp(a * c - b * s, -65504.0, 65504.0));
  y[second] = T(clamp(b * c + a * s, -65504.0, 65504.0));
}
