// attention_backward_q: gradient of the queries, tiled as attention_forward; the weights are computed again from lse.
//   q [tokens, heads, head_dim] T   k, v [tokens, kv_heads, head_dim] T   dout [tokens, heads, head_dim] f32
//   lse, delta [heads, tokens] f32   keys [tokens, 3] u32   dq [tokens, heads, head_dim] f32 out
// Dispatch (ceil(tokens * G / 32), kv_heads). Dao 2023, "FlashAttention-2", algorithm 2. Twin: test/reference/attention.ts
// include: attention_tile, attention_rows, attention_gap
alias T = f32; // spec: f32 | f16
const DC: u32 = 4u; // spec: 1 | 2 | 3 | 4 | 5 | 6 | 8 | 16

struct Params {
  tokens: u32,
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  scale: f32,
  one: u32, // 1; bounds made with it stay loops, which software adapters would else unroll for seconds
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<T>;
@group(0) @binding(1) var<storage, read> k: array<T>;
@group(0) @binding(2) var<storage, read> v: array<T>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> keys: array<u32>;
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;

var<workgroup> row_token: array<u32, 32>;
var<workgroup> row_first: array<u32, 32>;
var<workgroup> row_gap: array<vec2u, 32>;
var<workgroup> row_lse: array<f32, 32>;
var<workgroup> row_delta: array<f32, 32>;

@compute @workgroup_size(128)
fn attention_backward_q(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let y = thread / 16u;
  let x = thread % 16u;
  let share = p.heads / p.kv_heads;
  let rows = p.tokens * share;
  let first_row = group.x * 32u;
  let row_count = min(32u * p.one, rows - first_row);
  let last_token = (first_row + row_count - 1u) / share;
  if (thread < row_count) {
    let row = first_row + thread;
    let scalar = row_scalar(row, share, group.y);
    left_start[thread] = row_start(row, share, group.y);
    row_token[thread] = row / share;
    row_first[thread] = keys[3u * (row / share)];
    row_gap[thread] = vec2u(keys[3u * (row / share) + 1u], keys[3u * (row / share) + 2u]);
    row_lse[thread] = lse[scalar];
    row_delta[thread] = delta[scalar];
  }
  var o: Rows;
  let first_at = 3u * (first_row / share);
  let last_at = 3u * last_token;
  let unseen = shared_gap(vec2u(keys[first_at + 1u], keys[first_at + 2u]), vec2u(keys[last_at + 1u], keys[last_at + 2u]));
  for (var key = past_gap(keys[first_at], unseen); key <= last_token; key = past_gap(key + 64u, unseen)) {
    let count = min(64u * p.one, last_token - key + 1u);
    if (thread < count) {
      right_start[thread] = ((key + thread) * p.kv_heads + group.y) * p.head_dim;
    }
    workgroupBarrier();
    var products = Tile();
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = y; e < row_count; e += 8u) {
        staged[x * LEFT_STRIDE + e] = f32(q[left_start[e] + d]);
      }
      for (var e = y; e < count; e += 8u) {
        staged[RIGHT + x * RIGHT_STRIDE + e] = f32(k[right_start[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&products, min(CHUNK * p.one, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    put_tile(&products, y, x);
    workgroupBarrier();
    for (var e = thread; e < row_count * 64u; e += 128u) {
      let row = e / 64u;
      let at = row * RIGHT_STRIDE + e % 64u;
      let seen = sees(key + e % 64u, row_first[row], row_token[row], row_gap[row]);
      weights[at] = exp(select(-1e30, weights[at] * p.scale - row_lse[row], seen)) * p.scale;
    }
    var slopes = Tile();
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = y; e < row_count; e += 8u) {
        staged[x * LEFT_STRIDE + e] = dout[left_start[e] + d];
      }
      for (var e = y; e < count; e += 8u) {
        staged[RIGHT + x * RIGHT_STRIDE + e] = f32(v[right_start[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&slopes, min(CHUNK * p.one, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
      let row = 4u * y + i;
      for (var j = 0u; j < 4u; j++) {
        weights[row * RIGHT_STRIDE + x + 16u * j] *= slopes[4u * i + j] - row_delta[row];
      }
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      let chunk_rows = min(CHUNK_ROWS * p.one, count - chunk);
      for (var e = thread; e < chunk_rows * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = f32(k[right_start[chunk + e / (16u * DC)] + d]);
      }
      workgroupBarrier();
      accumulate_chunk(&o, chunk, chunk_rows, y, x);
      workgroupBarrier();
    }
  }
  for (var i = 0u; i < 4u; i++) {
    if (4u * y + i < row_count) {
      let at = left_start[4u * y + i];
      for (var c = 0u; c < DC; c++) {
        if (x + 16u * c < p.head_dim) {
          dq[at + x + 16u * c] = o[i * DC + c];
        }
      }
    }
  }
}
