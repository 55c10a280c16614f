// attention_backward_kv: gradients of keys and values. A workgroup keeps 32 keys and visits the rows that see them, 64 at a time;
// all heads of a group are rows of one loop, so their sum needs no atomics.
//   q [tokens, heads, head_dim] T   k, v [tokens, kv_heads, head_dim] T   dout [tokens, heads, head_dim] f32
//   lse, delta [heads, tokens] f32   queries [tokens, 3] u32   dk, dv [tokens, kv_heads, head_dim] f32 out
// Dispatch (ceil(tokens / 32), kv_heads). Dao 2023, "FlashAttention-2", algorithm 2. Twin: test/reference/attention.ts
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
@group(0) @binding(6) var<storage, read> queries: array<u32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;

// A key is seen by the rows from its own token's to those of the last query that sees it (never less than that of the key
// before), less those of its gap.
var<workgroup> key_first: array<u32, 32>;
var<workgroup> key_last: array<u32, 32>;
var<workgroup> key_gap: array<vec2u, 32>;
var<workgroup> row_lse: array<f32, 64>;
var<workgroup> row_delta: array<f32, 64>;

@compute @workgroup_size(128)
fn attention_backward_kv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let y = thread / 16u;
  let x = thread % 16u;
  let share = p.heads / p.kv_heads;
  let first_key = group.x * 32u;
  let key_count = min(32u * p.one, p.tokens - first_key);
  let first_at = 3u * first_key;
  let last_at = 3u * (first_key + key_count - 1u);
  let end_row = (queries[last_at] + 1u) * share;
  let gaps = shared_gap(vec2u(queries[first_at + 1u], queries[first_at + 2u]), vec2u(queries[last_at + 1u], queries[last_at + 2u]));
  let unseen = gaps * share;
  if (thread < key_count) {
    let key = first_key + thread;
    left_start[thread] = (key * p.kv_heads + group.y) * p.head_dim;
    key_first[thread] = key * share;
    key_last[thread] = (queries[3u * key] + 1u) * share - 1u;
    key_gap[thread] = vec2u(queries[3u * key + 1u], queries[3u * key + 2u]) * share;
  }
  var key_slopes: Rows;
  var value_slopes: Rows;
  for (var row = past_gap(first_key * share, unseen); row < end_row; row = past_gap(row + 64u, unseen)) {
    let count = min(64u * p.one, end_row - row);
    if (thread < count) {
      let scalar = row_scalar(row + thread, share, group.y);
      right_start[thread] = row_start(row + thread, share, group.y);
      row_lse[thread] = lse[scalar];
      row_delta[thread] = delta[scalar];
    }
    workgroupBarrier();
    var products = Tile();
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = y; e < key_count; e += 8u) {
        staged[x * LEFT_STRIDE + e] = f32(k[left_start[e] + d]);
      }
      for (var e = y; e < count; e += 8u) {
        staged[RIGHT + x * RIGHT_STRIDE + e] = f32(q[right_start[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&products, min(CHUNK * p.one, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    put_tile(&products, y, x);
    workgroupBarrier();
    for (var e = thread; e < key_count * 64u; e += 128u) {
      let key = e / 64u;
      let column = e % 64u;
      let at = key * RIGHT_STRIDE + column;
      let seen = sees(row + column, key_first[key], key_last[key], key_gap[key]);
      weights[at] = exp(select(-1e30, weights[at] * p.scale - row_lse[column], seen));
    }
    var slopes = Tile();
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = y; e < key_count; e += 8u) {
        staged[x * LEFT_STRIDE + e] = f32(v[left_start[e] + d]);
      }
      for (var e = y; e < count; e += 8u) {
        staged[RIGHT + x * RIGHT_STRIDE + e] = dout[right_start[e] + d];
      }
      workgroupBarrier();
      multiply_chunk(&slopes, min(CHUNK * p.one, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      let chunk_rows = min(CHUNK_ROWS * p.one, count - chunk);
      for (var e = thread; e < chunk_rows * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = dout[right_start[chunk + e / (16u * DC)] + d];
      }
      workgroupBarrier();
      accumulate_chunk(&value_slopes, chunk, chunk_rows, y, x);
      workgroupBarrier();
    }
    for (var j = 0u; j < 4u; j++) {
      let column = x + 16u * j;
      for (var i = 0u; i < 4u; i++) {
        weights[(4u * y + i) * RIGHT_STRIDE + column] *= (slopes[4u * i + j] - row_delta[column]) * p.scale;
      }
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      let chunk_rows = min(CHUNK_ROWS * p.one, count - chunk);
      for (var e = thread; e < chunk_rows * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = f32(q[right_start[chunk + e / (16u * DC)] + d]);
      }
      workgroupBarrier();
      accumulate_chunk(&key_slopes, chunk, chunk_rows, y, x);
      workgroupBarrier();
    }
  }
  for (var i = 0u; i < 4u; i++) {
    if (4u * y + i < key_count) {
      let at = left_start[4u * y + i];
      for (var c = 0u; c < DC; c++) {
        if (x + 16u * c < p.head_dim) {
          dk[at + x + 16u * c] = key_slopes[i * DC + c];
          dv[at + x + 16u * c] = value_slopes[i * DC + c];
        }
      }
    }
  }
}
