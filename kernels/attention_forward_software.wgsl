// attention_forward_software: attention_forward for CPU adapters. One subgroup a workgroup; a lane keeps two query rows, eight
// keys at a time are loaded once and handed round by broadcast, so that softmax needs no exchange and few loads are made.
//   q, out [tokens, heads, head_dim] f32   k, v [tokens, kv_heads, head_dim] f32   keys [tokens, 3] u32   lse [heads, tokens] f32
// Row r of kv head h is query r / G, head h * G + r % G, with G = heads / kv_heads.
// Dispatch (ceil(tokens * G / (2 * LANES)), kv_heads). Dao 2023, "FlashAttention-2", algorithm 1. Twin: test/reference/attention.ts
// include: subgroup_spread, attention_gap
enable subgroups;
const LANES: u32 = 8u; // spec: 4 | 8 | 16 | 32 | 64

struct Params {
  tokens: u32,
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> keys: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

const HIDDEN: f32 = -1e30;

@compute @workgroup_size(LANES)
fn attention_forward_software(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = p.heads / p.kv_heads;
  let rows = p.tokens * share;
  let first_row = group.x * 2u * LANES;
  let row_a = min(first_row + lane, rows - 1u);
  let row_b = min(first_row + LANES + lane, rows - 1u);
  let token_a = row_a / share;
  let token_b = row_b / share;
  let head_a = group.y * share + row_a % share;
  let head_b = group.y * share + row_b % share;
  let at_a = (token_a * p.heads + head_a) * p.head_dim;
  let at_b = (token_b * p.heads + head_b) * p.head_dim;
  let from_a = keys[3u * token_a];
  let from_b = keys[3u * token_b];
  let gap_a = vec2u(keys[3u * token_a + 1u], keys[3u * token_a + 2u]);
  let gap_b = vec2u(keys[3u * token_b + 1u], keys[3u * token_b + 2u]);
  let key_stride = p.kv_heads * p.head_dim;
  let last_token = min(first_row + 2u * LANES - 1u, rows - 1u) / share;

  var o_a: array<f32, 256>;
  var o_b: array<f32, 256>;
  var top_a = HIDDEN;
  var top_b = HIDDEN;
  var sum_a = 0.0;
  var sum_b = 0.0;
  let first_at = 3u * (first_row / share);
  let last_at = 3u * last_token;
  let unseen = shared_gap(vec2u(keys[first_at + 1u], keys[first_at + 2u]), vec2u(keys[last_at + 1u], keys[last_at + 2u]));
  for (var key = past_gap(keys[first_at], unseen); key <= last_token; key = past_gap(key + 8u, unseen)) {
    let at_first = (min(key + lane % 8u, last_token) * p.kv_heads + group.y) * p.head_dim;
    let at_second = (min(key + 4u + lane % 4u, last_token) * p.kv_heads + group.y) * p.head_dim;
    var a0 = vec4f();
    var a1 = vec4f();
    var b0 = vec4f();
    var b1 = vec4f();
    for (var d = 0u; d < p.head_dim; d++) {
      let first = k[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = k[at_second + d];
      }
      let k0 = spread_low(first);
      let k1 = spread_high(first, second);
      let qa = vec4f(q[at_a + d]);
      let qb = vec4f(q[at_b + d]);
      a0 = fma(qa, k0, a0);
      a1 = fma(qa, k1, a1);
      b0 = fma(qb, k0, b0);
      b1 = fma(qb, k1, b1);
    }
    let keys0 = vec4u(key, key + 1u, key + 2u, key + 3u);
    let keys1 = keys0 + 4u;
    a0 = select(vec4f(HIDDEN), a0 * p.scale, sees4(keys0, from_a, token_a, gap_a));
    a1 = select(vec4f(HIDDEN), a1 * p.scale, sees4(keys1, from_a, token_a, gap_a));
    b0 = select(vec4f(HIDDEN), b0 * p.scale, sees4(keys0, from_b, token_b, gap_b));
    b1 = select(vec4f(HIDDEN), b1 * p.scale, sees4(keys1, from_b, token_b, gap_b));
    let new_a = max(top_a, largest(a0, a1));
    let new_b = max(top_b, largest(b0, b1));
    // What a row sums before the first key that it sees is finite, and kept times exp(-1e30 - ..) = 0 from then on.
    let keep_a = exp(top_a - new_a);
    let keep_b = exp(top_b - new_b);
    top_a = new_a;
    top_b = new_b;
    a0 = exp(a0 - new_a);
    a1 = exp(a1 - new_a);
    b0 = exp(b0 - new_b);
    b1 = exp(b1 - new_b);
    sum_a = sum_a * keep_a + dot(a0 + a1, vec4f(1.0));
    sum_b = sum_b * keep_b + dot(b0 + b1, vec4f(1.0));
    for (var d = 0u; d < p.head_dim; d++) {
      let first = v[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = v[at_second + d];
      }
      let v0 = spread_low(first);
      let v1 = spread_high(first, second);
      o_a[d] = o_a[d] * keep_a + dot(a0, v0) + dot(a1, v1);
      o_b[d] = o_b[d] * keep_b + dot(b0, v0) + dot(b1, v1);
    }
  }
  if (first_row + lane < rows) {
    for (var d = 0u; d < p.head_dim; d++) {
      out[at_a + d] = o_a[d] / sum_a;
    }
    lse[head_a * p.tokens + token_a] = top_a + log(sum_a);
  }
  if (first_row + LANES + lane < rows) {
    for (var d = 0u; d < p.head_dim; d++) {
      out[at_b + d] = o_b[d] / sum_b;
    }
    lse[head_b * p.tokens + token_b] = top_b + log(sum_b);
  }
}

fn largest(x: vec4f, y: vec4f) -> f32 {
  let z = max(x, y);
  return max(max(z.x, z.y), max(z.z, z.w));
}
