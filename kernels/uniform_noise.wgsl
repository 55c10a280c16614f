// uniform_noise: x[t][c] += u * magnitude[t] with u uniform in [-1, 1), a multiple of 2^-23.
//   x [tokens, columns] f32 in and out   magnitude [tokens] f32 in
// Dispatch ceil(tokens * columns / WG), folded over x and y. Jain et al. 2023, "NEFTune". Twin: test/reference/random.ts
// include: random
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  columns: u32,
  seed: u32,
  salt: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> magnitude: array<f32>;

@compute @workgroup_size(WG)
fn uniform_noise(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.tokens * p.columns) {
    let u = f32(random_bits(p.seed, p.salt, i) >> 8u) * 0x1p-23 - 1.0;
    x[i] += u * magnitude[i / p.columns];
  }
}
