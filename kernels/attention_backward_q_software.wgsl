// attention_backward_q_software: attention_backward_q for CPU adapters, laid out as attention_forward_software.
//   q [tokens, heads, head_dim] f32   k, v [tokens, kv_heads, head_dim] f32   dout as q   lse, delta [heads, tokens] f32
//   keys [tokens, 3] u32   dq as q, out
// Dispatch (ceil(tokens * G / (2 * LANES)), kv_heads). Dao 2023, algorithm 2. Twin: test/reference/attention.ts
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
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;

@compute @workgroup_size(LANES)
fn attention_backward_q_software(
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
  let lse_a = lse[head_a * p.tokens + token_a];
  let lse_b = lse[head_b * p.tokens + token_b];
  let delta_a = delta[head_a * p.tokens + token_a];
  let delta_b = delta[head_b * p.tokens + token_b];
  let last_token = min(first_row + 2u * LANES - 1u, rows - 1u) / share;

  var dq_a: array<f32, 256>;
  var dq_b: array<f32, 256>;
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
    var da0 = vec4f();
    var da1 = vec4f();
    var db0 = vec4f();
    var db1 = vec4f();
    for (var d = 0u; d < p.head_dim; d++) {
      let first = v[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = v[at_second + d];
      }
      let v0 = spread_low(first);
      let v1 = spread_high(first, second);
      let oa = vec4f(dout[at_a + d]);
      let ob = vec4f(dout[at_b + d]);
      da0 = fma(oa, v0, da0);
      da1 = fma(oa, v1, da1);
      db0 = fma(ob, v0, db0);
      db1 = fma(ob, v1, db1);
    }
    let keys0 = vec4u(key, key + 1u, key + 2u, key + 3u);
    let keys1 = keys0 + 4u;
    a0 = slope(a0, da0, lse_a, delta_a, sees4(keys0, from_a, token_a, gap_a));
    a1 = slope(a1, da1, lse_a, delta_a, sees4(keys1, from_a, token_a, gap_a));
    b0 = slope(b0, db0, lse_b, delta_b, sees4(keys0, from_b, token_b, gap_b));
    b1 = slope(b1, db1, lse_b, delta_b, sees4(keys1, from_b, token_b, gap_b));
    for (var d = 0u; d < p.head_dim; d++) {
      let first = k[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = k[at_second + d];
      }
      let k0 = spread_low(first);
      let k1 = spread_high(first, second);
      dq_a[d] += dot(a0, k0) + dot(a1, k1);
      dq_b[d] += dot(b0, k0) + dot(b1, k1);
    }
  }
  if (first_row + lane < rows) {
    for (var d = 0u; d < p.head_dim; d++) {
      dq[at_a + d] = dq_a[d];
    }
  }
  if (first_row + LANES + lane < rows) {
    for (var d = 0u; d < p.head_dim; d++) {
      dq[at_b + d] = dq_b[d];
    }
  }
}

// Gradient of q . k for four keys: weight * (d weight - delta) * scale, 0 where the key is not seen.
fn slope(product: vec4f, dweight: vec4f, row_lse: f32, row_delta: f32, seen: vec4<bool>) -> vec4f {
  let weight = exp(select(vec4f(-1e30), product * p.scale - row_lse, seen));
  return weight * (dweight - row_delta) * p.scale;
}
