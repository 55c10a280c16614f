// moe_route_backward: gradient of the router's logits: dlogit = w (dw - sum_i w_i dw_i) for the chosen experts, 0 for the others.
//   chosen [tokens, topk] u32 in   weights, dweights [tokens, topk] f32 in   dlogits [tokens, experts] f32 out
// One thread a token. Dispatch ceil(tokens / WG), folded over x and y. Twin: test/reference/moe.ts
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  experts: u32,
  topk: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> chosen: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> dweights: array<f32>;
@group(0) @binding(3) var<storage, read_write> dlogits: array<f32>;

@compute @workgroup_size(WG)
fn moe_route_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = (group.y * groups.x + group.x) * WG + lane;
  if (token >= p.tokens) {
    return;
  }
  let choice = token * p.topk;
  let to = token * p.experts;
  var mean = 0.0;
  for (var j = 0u; j < p.topk; j++) {
    mean = fma(weights[choice + j], dweights[choice + j], mean);
  }
  for (var e = 0u; e < p.experts; e++) {
    dlogits[to + e] = 0.0;
  }
  for (var j = 0u; j < p.topk; j++) {
    dlogits[to + chosen[choice + j]] = weights[choice + j] * (dweights[choice + j] - mean);
  }
}
