// attention_forward: causal attention over key intervals with an online softmax; rows of 32 (query, head of the group) pairs
// meet tiles of 64 keys in workgroup memory, and tiles that no row sees are never visited.
//   q, out [tokens, heads, head_dim] T   k, v [tokens, kv_heads, head_dim] T   keys [tokens, 3] u32   lse [heads, tokens] f32
// keys: the first that a query sees (never less than the one before has), and its gap.
// Row r of kv head h is query r / G, head h * G + r % G, with G = heads / kv_heads. DC * 16 >= head_dim.
// Dispatch (ceil(tokens * G / 32), kv_heads). Dao 2023, "FlashAttention-2", algorithm 1. Twin: test/reference/attention.ts
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
@group(0) @binding(3) var<storage, read> keys: array<u32>;
@group(0) @binding(4) var<storage, read_write> out: array<T>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

const HIDDEN: f32 = -1e30;

var<workgroup> partials: array<f32, 128>;
var<workgroup> row_factor: array<f32, 32>;

@compute @workgroup_size(128)
fn attention_forward(
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
    left_start[thread] = row_start(first_row + thread, share, group.y);
  }
  // The softmax of a row is the work of four threads, 16 keys each.
  let soft_row = thread / 4u;
  let part = thread % 4u;
  let soft_token = min(first_row + soft_row, rows - 1u) / share;
  let soft_first = keys[3u * soft_token];
  let soft_gap = vec2u(keys[3u * soft_token + 1u], keys[3u * soft_token + 2u]);
  var top = HIDDEN;
  var sum = 0.0;
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
    var tile = Tile();
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
      multiply_chunk(&tile, min(CHUNK * p.one, p.head_dim - chunk), y, x);
      workgroupBarrier();
    }
    put_tile(&tile, y, x);
    workgroupBarrier();
    let first = 16u * part;
    let end = min(first + 16u, count);
    var largest = HIDDEN;
    for (var i = first; i < end; i++) {
      if (sees(key + i, soft_first, soft_token, soft_gap)) {
        largest = max(largest, weights[soft_row * RIGHT_STRIDE + i] * p.scale);
      }
    }
    partials[thread] = largest;
    workgroupBarrier();
    let four = thread - part;
    let new_top = max(top, max(max(partials[four], partials[four + 1u]), max(partials[four + 2u], partials[four + 3u])));
    let keep = exp(top - new_top);
    top = new_top;
    sum *= keep;
    for (var i = first; i < end; i++) {
      var weight = 0.0;
      if (sees(key + i, soft_first, soft_token, soft_gap)) {
        weight = exp(weights[soft_row * RIGHT_STRIDE + i] * p.scale - top);
      }
      weights[soft_row * RIGHT_STRIDE + i] = weight;
      sum += weight;
    }
    if (part == 0u) {
      row_factor[soft_row] = keep;
    }
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      let factor = row_factor[4u * y + i];
      for (var c = 0u; c < DC; c++) {
        o[i * DC + c] *= factor;
      }
    }
    for (var chunk = 0u; chunk < count; chunk += CHUNK_ROWS) {
      let chunk_rows = min(CHUNK_ROWS * p.one, count - chunk);
      for (var e = thread; e < chunk_rows * 16u * DC; e += 128u) {
        let d = min(e % (16u * DC), p.head_dim - 1u);
        staged[e] = f32(v[right_start[chunk + e / (16u * DC)] + d]);
      }
      workgroupBarrier();
      accumulate_chunk(&o, chunk, chunk_rows, y, x);
      workgroupBarrier();
    }
  }
  partials[thread] = sum;
  workgroupBarrier();
  if (part == 0u) {
    let total = partials[thread] + partials[thread + 1u] + partials[thread + 2u] + partials[thread + 3u];
    row_factor[soft_row] = 1.0 / total;
    if (soft_row < row_count) {
      lse[row_scalar(first_row + soft_row, share, group.y)] = top + log(total);
    }
  }
  workgroupBarrier();
  for (var i = 0u; i < 4u; i++) {
    if (4u * y + i < row_count) {
      let at = left_start[4u * y + i];
      for (var c = 0u; c < DC; c++) {
        if (x + 16u * c < p.head_dim) {
          out[at + x + 16u * c] = T(clamp(o[i * DC + c] * row_factor[4u * y + i], -65504.0, 65504.0));
        }
      }
    }
  }
}
