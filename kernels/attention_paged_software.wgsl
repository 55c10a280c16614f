// attention_paged_software: attention_paged for CPU adapters. One subgroup takes one query of HEADS heads that share their keys;
// lanes lie along the head's dimensions, so that a key is one load a lane, and a block of LANES keys shares one softmax.
//   q, out [tokens, heads, head_dim] f32   k_pages, v_pages [pages, PAGE, kv_heads, stride] f32, stride a multiple of 4
//   rows [tokens]: position, row of the page table   table [sequences, row_pages] u32
//   parts [tokens, heads, splits, head_dim + 2] f32 out when splits > 1, as in attention_paged
// Dispatch (tokens, kv_heads * ceil(heads / kv_heads / HEADS), splits). The subgroup size must be LANES, and VECS 4 LANES at least
// the stride. Dao et al. 2023, "Flash-Decoding". Twin: test/reference/attention.ts
enable subgroups;
const LANES: u32 = 8u; // spec: 4 | 8 | 16 | 32 | 64
const HEADS: u32 = 1u; // spec: 1 | 2
const VECS: u32 = 2u; // spec: 1 | 2 | 4 | 8 | 16
const PAGE: u32 = 16u;
const HIDDEN: f32 = -1e30;

struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  stride: u32,
  row_pages: u32,
  window: u32,
  splits: u32,
  split: u32,
  lanes: u32, // LANES, but nothing that a compiler could unroll a loop by: that costs seconds
  scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k_pages: array<vec4f>;
@group(0) @binding(2) var<storage, read> v_pages: array<vec4f>;
@group(0) @binding(3) var<storage, read> rows: array<vec2u>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read_write> out: array<f32>;
@group(0) @binding(6) var<storage, read_write> parts: array<f32>;

@compute @workgroup_size(LANES)
fn attention_paged_software(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = rows[group.x];
  let share = p.heads / p.kv_heads;
  let bundles = (share + HEADS - 1u) / HEADS;
  let kv_head = group.y / bundles;
  let first_head = kv_head * share + group.y % bundles * HEADS;
  let last_head = kv_head * share + share - 1u;
  let vectors = p.stride / 4u;
  let lo = select(0u, row.x + 1u - p.window, p.window > 0u && row.x >= p.window);
  let begin = max(lo, group.z * p.split);
  let end = min(row.x + 1u, (group.z + 1u) * p.split);

  var query: array<array<vec4f, VECS>, HEADS>;
  var o: array<array<vec4f, VECS>, HEADS>;
  var top: array<f32, HEADS>;
  var sum: array<f32, HEADS>;
  for (var h = 0u; h < HEADS; h++) {
    let at = (group.x * p.heads + min(first_head + h, last_head)) * p.head_dim;
    for (var c = 0u; c < VECS; c++) {
      let d = 4u * (c * LANES + lane) + vec4u(0u, 1u, 2u, 3u);
      let source = at + min(d, vec4u(p.head_dim - 1u));
      let value = p.scale * vec4f(q[source.x], q[source.y], q[source.z], q[source.w]);
      query[h][c] = select(vec4f(), value, d < vec4u(p.head_dim));
    }
    top[h] = HIDDEN;
  }
  for (var first = begin; first < end; first += LANES) {
    let key = min(first + lane, end - 1u);
    let page = table[row.y * p.row_pages + key / PAGE];
    let place = ((page * PAGE + key % PAGE) * p.kv_heads + kv_head) * vectors;
    var score: array<f32, HEADS>;
    for (var j = 0u; j < p.lanes; j++) {
      let at = subgroupShuffle(place, j);
      var partial: array<f32, HEADS>;
      // Said aloud, since the declaration's own zeros come once a loop on this driver, not once a turn.
      for (var h = 0u; h < HEADS; h++) {
        partial[h] = 0.0;
      }
      for (var c = 0u; c < VECS; c++) {
        // Past the head, the query is 0.
        let k = k_pages[at + min(c * LANES + lane, vectors - 1u)];
        for (var h = 0u; h < HEADS; h++) {
          partial[h] += dot(query[h][c], k);
        }
      }
      for (var h = 0u; h < HEADS; h++) {
        let total = subgroupAdd(partial[h]);
        score[h] = select(score[h], total, lane == j);
      }
    }
    for (var h = 0u; h < HEADS; h++) {
      let hidden = select(HIDDEN, score[h], first + lane < end);
      let new_top = max(top[h], subgroupMax(hidden));
      let keep = exp(top[h] - new_top);
      top[h] = new_top;
      score[h] = exp(hidden - new_top);
      sum[h] = sum[h] * keep + subgroupAdd(score[h]);
      for (var c = 0u; c < VECS; c++) {
        o[h][c] *= keep;
      }
    }
    for (var j = 0u; j < p.lanes; j++) {
      let at = subgroupShuffle(place, j);
      for (var c = 0u; c < VECS; c++) {
        let v = v_pages[at + min(c * LANES + lane, vectors - 1u)];
        for (var h = 0u; h < HEADS; h++) {
          o[h][c] += subgroupShuffle(score[h], j) * v;
        }
      }
    }
  }
  for (var h = 0u; h < HEADS; h++) {
    if (first_head + h <= last_head) {
      let head = group.x * p.heads + first_head + h;
      let at = (head * p.splits + group.z) * (p.head_dim + 2u);
      for (var c = 0u; c < VECS; c++) {
        let d = 4u * (c * LANES + lane);
        let rest = p.head_dim - min(d, p.head_dim);
        if (p.splits == 1u) {
          store_out(head * p.head_dim + d, o[h][c] / sum[h], rest);
        } else {
          store_part(at + d, o[h][c], rest);
        }
      }
      if (p.splits > 1u && lane == 0u) {
        parts[at + p.head_dim] = top[h];
        parts[at + p.head_dim + 1u] = sum[h];
      }
    }
  }
}

fn store_out(at: u32, value: vec4f, count: u32) {
  if (count > 0u) { out[at] = value.x; }
  if (count > 1u) { out[at + 1u] = value.y; }
  if (count > 2u) { out[at + 2u] = value.z; }
  if (count > 3u) { out[at + 3u] = value.w; }
}

fn store_part(at: u32, value: vec4f, count: u32) {
  if (count > 0u) { parts[at] = value.x; }
  if (count > 1u) { parts[at + 1u] = value.y; }
  if (count > 2u) { parts[at + 2u] = value.z; }
  if (count > 3u) { parts[at + 3u] = value.w; }
}
