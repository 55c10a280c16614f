// moe_combine: what its experts made of each token, added up: out[t] (+)= sum_j weights[t, j] y[places[t, j]].
//   y [tokens topk, columns] f32 in   places [tokens, topk] u32 in   weights [tokens, topk] f32 in, taken as 1 where WEIGHTED is 0
//   out [tokens, columns] f32 out
// Dispatch ceil(tokens * columns / WG), folded over x and y. Twin: test/reference/moe.ts
const WEIGHTED: u32 = 1u; // spec: 0 | 1
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  columns: u32,
  topk: u32,
  accumulate: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(WG)
fn moe_combine(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= p.tokens * p.columns) {
    return;
  }
  let entry = i / p.columns * p.topk;
  var sum = 0.0;
  for (var j = 0u; j < p.topk; j++) {
    let value = y[places[entry + j] * p.columns + i % p.columns];
    sum += select(value, weights[entry + j] * value, WEIGHTED == 1u);
  }
  if (p.accumulate != 0u) {
    sum += out[i];
  }
  out[i] = sum;
}
