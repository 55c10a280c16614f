// moe_route: the experts of each token, and how much each counts: the TOPK largest logits in falling order, equal ones by index, and
// the softmax over them, which is the softmax over all of them made to sum to one again. Jiang et al. 2024 (Mixtral), 2.1.
//   logits [tokens, experts] f32 in   chosen [tokens, topk] u32 out   weights [tokens, topk] f32 out; topk at most experts
// One thread a token. Dispatch ceil(tokens / WG), folded over x and y. Twin: test/reference/moe.ts
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  experts: u32,
  topk: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

@compute @workgroup_size(WG)
fn moe_route(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let token = (group.y * groups.x + group.x) * WG + lane;
  if (token >= p.tokens) {
    return;
  }
  let first = token * p.experts;
  let to = token * p.topk;
  var top = 0.0;
  var last = 0.0;
  var lastAt = 0u;
  var sum = 0.0;
  for (var j = 0u; j < p.topk; j++) {
    // Where logits are not numbers nothing is larger than another: expert j stands in, and the weights are not numbers either.
    var best = logits[first + j];
    var at = j;
    var found = false;
    for (var e = 0u; e < p.experts; e++) {
      let value = logits[first + e];
      let left = j == 0u || value < last || (value == last && e > lastAt);
      if (left && (!found || value > best)) {
        best = value;
        at = e;
        found = true;
      }
    }
    if (j == 0u) {
      top = best;
    }
    last = best;
    lastAt = at;
    let weight = exp(best - top);
    sum += weight;
    chosen[to + j] = at;
    weights[to + j] = weight;
  }
  for (var j = 0u; j < p.topk; j++) {
    weights[to + j] /= sum;
  }
}
