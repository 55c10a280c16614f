// attention_backward_q: gradient of the queries, tiled as attention_forward; the weights are computed again from lse.
//   q [tokens, heads, head_dim] T   k, v [tokens, kv_heads, head_dim] T   dout [tokens, heads, head_dim] f32
//   lse, delta [heads, tokens] f32   lo [tokens] u32   dq [tokens, heads, head_dim] f32 out
// Dispatch (ceil(tokens * G / 32), kv_heads). Dao 2023, "FlashAttention-2", algorithm 2. Twin: test/reference/attention.ts
// include: attention_tile, attention_rows
alias T = f32; // spec: f32 | f16
const DC: u32 = 4u; // spec: 1 | 2 | 3 | 4 | 5 | 6 | 8 | 16

struct Params {
  tokens: u32,
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<T>;
@group(0) @binding(1) var<storage, read> k: array<T>;
@group(0) @binding(2) var<storage, read> v: array<T>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read> lo: array<u32>;
@group(0) @binding(7) var<storage, read_write> dq: array<f32>;

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
  let last_token = min(first_row + 31u, rows - 1u) / share;
  // Rows and keys beyond the last are the last once more: their weights are zero, or nobody stores them.
  var at_row: array<u32, 4>;
  for (var e = 0u; e < 4u; e++) {
    at_row[e] = row_start(min(first_row + y + 8u * e, rows - 1u), share, group.y);
  }
  var o: Rows;
  for (var key = lo[first_row / share]; key <= last_token; key += 64u) {
    let count = min(64u, last_token - key + 1u);
    var at_key: array<u32, 8>;
    for (var e = 0u; e < 8u; e++) {
      at_key[e] = (min(key + y + 8u * e, last_token) * p.kv_heads + group.y) * p.head_dim;
    }
    var products: Tile;
    var slopes: Tile;
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = 0u; e < 4u; e++) {
        staged[x * LEFT_STRIDE + y + 8u * e] = f32(q[at_row[e] + d]);
      }
      for (var e = 0u; e < 8u; e++) {
        staged[RIGHT + x * RIGHT_STRIDE + y + 8u * e] = f32(k[at_key[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&products, min(CHUNK, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = 0u; e < 4u; e++) {
        staged[x * LEFT_STRIDE + y + 8u * e] = dout[at_row[e] + d];
      }
      for (var e = 0u; e < 8u; e++) {
        staged[RIGHT + x * RIGHT_STRIDE + y + 8u * e] = f32(v[at_key[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&slopes, min(CHUNK, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
      let row = min(first_row + 4u * y + i, rows - 1u);
      let token = row / share;
      let at = row_scalar(row, share, group.y);
      for (var j = 0u; j < 4u; j++) {
        let column = x + 16u * j;
        var slope = 0.0;
        if (key + column >= lo[token] && key + column <= token) {
          slope = exp(products[4u * i + j] * p.scale - lse[at]) * (slopes[4u * i + j] - delta[at]) * p.scale;
        }
        weights[(4u * y + i) * RIGHT_STRIDE + column] = slope;
      }
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      for (var e = thread; e < CHUNK_ROWS * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = f32(k[(min(key + chunk + e / (16u * DC), last_token) * p.kv_heads + group.y) * p.head_dim + d]);
      }
      workgroupBarrier();
      accumulate_chunk(&o, chunk, min(CHUNK_ROWS, count - chunk), y, x);
      workgroupBarrier();
    }
  }
  for (var i = 0u; i < 4u; i++) {
    let row = first_row + 4u * y + i;
    if (row < rows) {
      let at = row_start(row, share, group.y);
      for (var c = 0u; c < DC; c++) {
        if (x + 16u * c < p.head_dim) {
          dq[at + x + 16u * c] = o[i * DC + c];
        }
      }
    }
  }
}
