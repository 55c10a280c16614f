// attention_paged: one query against the keys of its own sequence, which lie in pages; long contexts are split over workgroups.
//   q, out [tokens, heads, head_dim] T   k_pages, v_pages [pages, PAGE, kv_heads, stride] vec4<T>, stride a multiple of 4
//   rows [tokens]: position, row of the page table   table [sequences, row_pages] u32
//   parts [tokens, heads, splits, head_dim + 2] f32 out when splits > 1: sums, maximum, denominator; attention_paged_sum joins them
// A query at position i sees keys max(0, i - window + 1) .. i; window 0: all. Part s takes keys s split .. (s + 1) split - 1.
// Dispatch (tokens, heads, splits). Dao et al. 2023, "Flash-Decoding"; Kwon et al. 2023. Twin: test/reference/attention.ts
alias T = f32; // spec: f32 | f16
const PAGE: u32 = 16u;
const THREADS: u32 = 64u;
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
  scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<T>;
@group(0) @binding(1) var<storage, read> k_pages: array<vec4<T>>;
@group(0) @binding(2) var<storage, read> v_pages: array<T>;
@group(0) @binding(3) var<storage, read> rows: array<vec2u>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read_write> out: array<T>;
@group(0) @binding(6) var<storage, read_write> parts: array<f32>;

var<workgroup> query: array<vec4f, 64>;
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> places: array<u32, THREADS>;

fn query_element(at: u32, d: u32) -> f32 {
  return select(0.0, f32(q[at + min(d, p.head_dim - 1u)]) * p.scale, d < p.head_dim);
}

@compute @workgroup_size(THREADS)
fn attention_paged(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = rows[group.x];
  let kv_head = group.y / (p.heads / p.kv_heads);
  let at = (group.x * p.heads + group.y) * p.head_dim;
  let vectors = p.stride / 4u;
  if (thread < vectors) {
    let d = 4u * thread;
    query[thread] = vec4f(
      query_element(at, d), query_element(at, d + 1u), query_element(at, d + 2u), query_element(at, d + 3u),
    );
  }
  let lo = select(0u, row.x + 1u - p.window, p.window > 0u && row.x >= p.window);
  let begin = max(lo, group.z * p.split);
  let end = min(row.x + 1u, (group.z + 1u) * p.split);
  workgroupBarrier();
  var top = HIDDEN;
  var sum = 0.0;
  var o0 = 0.0;
  var o1 = 0.0;
  var o2 = 0.0;
  var o3 = 0.0;
  for (var first = begin; first < end; first += THREADS) {
    let key = min(first + thread, end - 1u);
    let page = table[row.y * p.row_pages + key / PAGE];
    let place = ((page * PAGE + key % PAGE) * p.kv_heads + kv_head) * p.stride;
    var score = 0.0;
    for (var c = 0u; c < vectors; c++) {
      score += dot(query[c], vec4f(k_pages[place / 4u + c]));
    }
    score = select(HIDDEN, score, first + thread < end);
    scores[thread] = score;
    places[thread] = place;
    workgroupBarrier();
    var new_top = top;
    for (var j = 0u; j < THREADS; j++) {
      new_top = max(new_top, scores[j]);
    }
    workgroupBarrier();
    scores[thread] = exp(score - new_top);
    workgroupBarrier();
    let keep = exp(top - new_top);
    top = new_top;
    sum *= keep;
    o0 *= keep;
    o1 *= keep;
    o2 *= keep;
    o3 *= keep;
    let count = min(THREADS, end - first);
    for (var j = 0u; j < count; j++) {
      let weight = scores[j];
      let v = places[j] + thread;
      sum += weight;
      if (thread < p.head_dim) {
        o0 += weight * f32(v_pages[v]);
      }
      if (thread + 64u < p.head_dim) {
        o1 += weight * f32(v_pages[v + 64u]);
      }
      if (thread + 128u < p.head_dim) {
        o2 += weight * f32(v_pages[v + 128u]);
      }
      if (thread + 192u < p.head_dim) {
        o3 += weight * f32(v_pages[v + 192u]);
      }
    }
    workgroupBarrier();
  }
  store(group, thread, o0, sum, top);
  store(group, thread + 64u, o1, sum, top);
  store(group, thread + 128u, o2, sum, top);
  store(group, thread + 192u, o3, sum, top);
}

fn store(group: vec3u, d: u32, value: f32, sum: f32, top: f32) {
  let head = group.x * p.heads + group.y;
  if (p.splits == 1u) {
    if (d < p.head_dim) {
      out[head * p.head_dim + d] = T(value / sum);
    }
    return;
  }
  let at = (head * p.splits + group.z) * (p.head_dim + 2u);
  if (d < p.head_dim) {
    parts[at + d] = value;
  }
  if (d == 0u) {
    parts[at + p.head_dim] = top;
    parts[at + p.head_dim + 1u] = sum;
  }
}
