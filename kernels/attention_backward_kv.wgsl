// attention_backward_kv: gradients of keys and values. A workgroup keeps 32 keys and visits the rows that see them, 64 at a time;
// all heads of a group are rows of one loop, so their sum needs no atomics.
//   q [tokens, heads, head_dim] T   k, v [tokens, kv_heads, head_dim] T   dout [tokens, heads, head_dim] f32
//   lse, delta [heads, tokens] f32   hi [tokens] u32   dk, dv [tokens, kv_heads, head_dim] f32 out
// Dispatch (ceil(tokens / 32), kv_heads). Dao 2023, "FlashAttention-2", algorithm 2. Twin: test/reference/attention.ts
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
@group(0) @binding(6) var<storage, read> hi: array<u32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;

@compute @workgroup_size(128)
fn attention_backward_kv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let y = thread / 16u;
  let x = thread % 16u;
  let share = p.heads / p.kv_heads;
  let first_key = group.x * 32u;
  let last_key = min(first_key + 31u, p.tokens - 1u);
  let end_row = (hi[last_key] + 1u) * share;
  // Keys and rows beyond the last are the last once more: their weights are zero, or nobody stores them.
  var at_key: array<u32, 4>;
  for (var e = 0u; e < 4u; e++) {
    at_key[e] = (min(first_key + y + 8u * e, last_key) * p.kv_heads + group.y) * p.head_dim;
  }
  var key_slopes: Rows;
  var value_slopes: Rows;
  for (var row = first_key * share; row < end_row; row += 64u) {
    let count = min(64u, end_row - row);
    var at_row: array<u32, 8>;
    for (var e = 0u; e < 8u; e++) {
      at_row[e] = row_start(min(row + y + 8u * e, end_row - 1u), share, group.y);
    }
    var products: Tile;
    var slopes: Tile;
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = 0u; e < 4u; e++) {
        staged[x * LEFT_STRIDE + y + 8u * e] = f32(k[at_key[e] + d]);
      }
      for (var e = 0u; e < 8u; e++) {
        staged[RIGHT + x * RIGHT_STRIDE + y + 8u * e] = f32(q[at_row[e] + d]);
      }
      workgroupBarrier();
      multiply_chunk(&products, min(CHUNK, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var chunk = 0u; chunk < p.head_dim; chunk += CHUNK) {
      // Elements beyond the head are staged too, but not multiplied.
      let d = min(chunk + x, p.head_dim - 1u);
      for (var e = 0u; e < 4u; e++) {
        staged[x * LEFT_STRIDE + y + 8u * e] = f32(v[at_key[e] + d]);
      }
      for (var e = 0u; e < 8u; e++) {
        staged[RIGHT + x * RIGHT_STRIDE + y + 8u * e] = dout[at_row[e] + d];
      }
      workgroupBarrier();
      multiply_chunk(&slopes, min(CHUNK, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    for (var j = 0u; j < 4u; j++) {
      let column = x + 16u * j;
      let at = row_scalar(min(row + column, end_row - 1u), share, group.y);
      for (var i = 0u; i < 4u; i++) {
        let key = min(first_key + 4u * y + i, last_key);
        var weight = 0.0;
        // Key j is seen by the rows from its own token's to those of the last query that sees it.
        if (row + column >= key * share && row + column < (hi[key] + 1u) * share) {
          weight = exp(products[4u * i + j] * p.scale - lse[at]);
        }
        weights[(4u * y + i) * RIGHT_STRIDE + column] = weight;
        slopes[4u * i + j] = weight * (slopes[4u * i + j] - delta[at]) * p.scale;
      }
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      for (var e = thread; e < CHUNK_ROWS * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = dout[row_start(min(row + chunk + e / (16u * DC), end_row - 1u), share, group.y) + d];
      }
      workgroupBarrier();
      accumulate_chunk(&value_slopes, chunk, min(CHUNK_ROWS, count - chunk), y, x);
      workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
      for (var j = 0u; j < 4u; j++) {
        weights[(4u * y + i) * RIGHT_STRIDE + x + 16u * j] = slopes[4u * i + j];
      }
    }
    workgroupBarrier();
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      for (var e = thread; e < CHUNK_ROWS * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = f32(q[row_start(min(row + chunk + e / (16u * DC), end_row - 1u), share, group.y) + d]);
      }
      workgroupBarrier();
      accumulate_chunk(&key_slopes, chunk, min(CHUNK_ROWS, count - chunk), y, x);
      workgroupBarrier();
    }
  }
  for (var i = 0u; i < 4u; i++) {
    let key = first_key + 4u * y + i;
    if (key <= last_key) {
      let at = (key * p.kv_heads + group.y) * p.head_dim;
      for (var c = 0u; c < DC; c++) {
        if (x + 16u * c < p.head_dim) {
          dk[at + x + 16u * c] = key_slopes[i * DC + c];
          dv[at + x + 16u * c] = value_slopes[i * DC + c];
        }
      }
    }
  }
}
