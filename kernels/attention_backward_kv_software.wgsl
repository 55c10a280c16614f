// attention_backward_kv_software: attention_backward_kv for CPU adapters. One subgroup a workgroup; a lane keeps two keys, eight
// query rows at a time are loaded once and handed round by broadcast. All heads of a group are rows of one loop: no atomics.
//   q [tokens, heads, head_dim] f32   k, v [tokens, kv_heads, head_dim] f32   dout as q   lse, delta [heads, tokens] f32
//   queries [tokens, 3] u32   dk, dv as k, out
// Row r of kv head h is query r / G, head h * G + r % G, with G = heads / kv_heads.
// Dispatch (ceil(tokens / (2 * LANES)), kv_heads). Dao 2023, algorithm 2. Twin: test/reference/attention.ts
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
@group(0) @binding(6) var<storage, read> queries: array<u32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;

@compute @workgroup_size(LANES)
fn attention_backward_kv_software(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let share = p.heads / p.kv_heads;
  let first_key = group.x * 2u * LANES;
  let last_key = min(first_key + 2u * LANES - 1u, p.tokens - 1u);
  let key_a = min(first_key + lane, last_key);
  let key_b = min(first_key + LANES + lane, last_key);
  let at_a = (key_a * p.kv_heads + group.y) * p.head_dim;
  let at_b = (key_b * p.kv_heads + group.y) * p.head_dim;
  // A key is seen by the rows from its own token's to those of the last query that sees it, less those of its gap.
  let from_a = key_a * share;
  let from_b = key_b * share;
  let until_a = (queries[3u * key_a] + 1u) * share - 1u;
  let until_b = (queries[3u * key_b] + 1u) * share - 1u;
  let gap_a = vec2u(queries[3u * key_a + 1u], queries[3u * key_a + 2u]) * share;
  let gap_b = vec2u(queries[3u * key_b + 1u], queries[3u * key_b + 2u]) * share;
  let end_row = (queries[3u * last_key] + 1u) * share;
  let first_at = 3u * first_key;
  let last_at = 3u * last_key;
  let gaps = shared_gap(vec2u(queries[first_at + 1u], queries[first_at + 2u]), vec2u(queries[last_at + 1u], queries[last_at + 2u]));
  let unseen = gaps * share;

  var dk_a: array<f32, 256>;
  var dk_b: array<f32, 256>;
  var dv_a: array<f32, 256>;
  var dv_b: array<f32, 256>;
  for (var row = past_gap(first_key * share, unseen); row < end_row; row = past_gap(row + 8u, unseen)) {
    let row_first = min(row + lane % 8u, end_row - 1u);
    let token_first = row_first / share;
    let head_first = group.y * share + row_first % share;
    let at_first = (token_first * p.heads + head_first) * p.head_dim;
    let lse_first = lse[head_first * p.tokens + token_first];
    let delta_first = delta[head_first * p.tokens + token_first];
    var at_second = 0u;
    var lse_second = 0.0;
    var delta_second = 0.0;
    if (LANES < 8u) {
      let row_second = min(row + 4u + lane % 4u, end_row - 1u);
      let token_second = row_second / share;
      let head_second = group.y * share + row_second % share;
      at_second = (token_second * p.heads + head_second) * p.head_dim;
      lse_second = lse[head_second * p.tokens + token_second];
      delta_second = delta[head_second * p.tokens + token_second];
    }
    var a0 = vec4f();
    var a1 = vec4f();
    var b0 = vec4f();
    var b1 = vec4f();
    for (var d = 0u; d < p.head_dim; d++) {
      let first = q[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = q[at_second + d];
      }
      let q0 = spread_low(first);
      let q1 = spread_high(first, second);
      let ka = vec4f(k[at_a + d]);
      let kb = vec4f(k[at_b + d]);
      a0 = fma(ka, q0, a0);
      a1 = fma(ka, q1, a1);
      b0 = fma(kb, q0, b0);
      b1 = fma(kb, q1, b1);
    }
    var da0 = vec4f();
    var da1 = vec4f();
    var db0 = vec4f();
    var db1 = vec4f();
    for (var d = 0u; d < p.head_dim; d++) {
      let first = dout[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = dout[at_second + d];
      }
      let o0 = spread_low(first);
      let o1 = spread_high(first, second);
      let va = vec4f(v[at_a + d]);
      let vb = vec4f(v[at_b + d]);
      da0 = fma(va, o0, da0);
      da1 = fma(va, o1, da1);
      db0 = fma(vb, o0, db0);
      db1 = fma(vb, o1, db1);
    }
    let lse0 = spread_low(lse_first);
    let lse1 = spread_high(lse_first, lse_second);
    let delta0 = spread_low(delta_first);
    let delta1 = spread_high(delta_first, delta_second);
    let rows0 = vec4u(row, row + 1u, row + 2u, row + 3u);
    let rows1 = rows0 + 4u;
    a0 = weight(a0, lse0, sees4(rows0, from_a, until_a, gap_a));
    a1 = weight(a1, lse1, sees4(rows1, from_a, until_a, gap_a));
    b0 = weight(b0, lse0, sees4(rows0, from_b, until_b, gap_b));
    b1 = weight(b1, lse1, sees4(rows1, from_b, until_b, gap_b));
    da0 = a0 * (da0 - delta0) * p.scale;
    da1 = a1 * (da1 - delta1) * p.scale;
    db0 = b0 * (db0 - delta0) * p.scale;
    db1 = b1 * (db1 - delta1) * p.scale;
    for (var d = 0u; d < p.head_dim; d++) {
      let first = dout[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = dout[at_second + d];
      }
      let o0 = spread_low(first);
      let o1 = spread_high(first, second);
      dv_a[d] += dot(a0, o0) + dot(a1, o1);
      dv_b[d] += dot(b0, o0) + dot(b1, o1);
    }
    for (var d = 0u; d < p.head_dim; d++) {
      let first = q[at_first + d];
      var second = 0.0;
      if (LANES < 8u) {
        second = q[at_second + d];
      }
      let q0 = spread_low(first);
      let q1 = spread_high(first, second);
      dk_a[d] += dot(da0, q0) + dot(da1, q1);
      dk_b[d] += dot(db0, q0) + dot(db1, q1);
    }
  }
  if (first_key + lane <= last_key) {
    for (var d = 0u; d < p.head_dim; d++) {
      dk[at_a + d] = dk_a[d];
      dv[at_a + d] = dv_a[d];
    }
  }
  if (first_key + LANES + lane <= last_key) {
    for (var d = 0u; d < p.head_dim; d++) {
      dk[at_b + d] = dk_b[d];
      dv[at_b + d] = dv_b[d];
    }
  }
}

// Softmax weight of four rows for one key, 0 where the key is not seen.
fn weight(product: vec4f, row_lse: vec4f, seen: vec4<bool>) -> vec4f {
  return exp(select(vec4f(-1e30), product * p.scale - row_lse, seen));
}
