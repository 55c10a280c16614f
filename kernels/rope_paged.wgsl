// rope_paged: rotates queries and keys by the angle of their token's position, half-split pairing, and puts keys and values into
// their pages of the cache.
//   q [tokens, heads, head_dim] f32 in   k, v [tokens, kv_heads, head_dim] f32 in   rows [tokens] in: position, row of the page table
//   table [sequences, row_pages] u32 in: page of positions PAGE i .. PAGE i + PAGE - 1   angles [positions, head_dim / 2] in: cos, sin
//   rotated [tokens, heads, head_dim] T out   k_pages, v_pages [pages, PAGE, kv_heads, stride] T in and out
// Dispatch ceil(tokens * (heads + 2 kv_heads) * half / 64), folded over x and y. Su et al. 2021, eq. 34; Kwon et al. 2023, section 4.
alias T = f32; // spec: f32 | f16
const PAGE: u32 = 16u;

struct Params {
  tokens: u32,
  heads: u32,
  kv_heads: u32,
  half_dim: u32,
  stride: u32,
  row_pages: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> rows: array<vec2u>;
@group(0) @binding(4) var<storage, read> table: array<u32>;
@group(0) @binding(5) var<storage, read> angles: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> rotated: array<T>;
@group(0) @binding(7) var<storage, read_write> k_pages: array<T>;
@group(0) @binding(8) var<storage, read_write> v_pages: array<T>;

@compute @workgroup_size(64)
fn rope_paged(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  let all_heads = p.heads + 2u * p.kv_heads;
  let d = i % p.half_dim;
  let head = i / p.half_dim % all_heads;
  let token = i / p.half_dim / all_heads;
  if (token >= p.tokens) {
    return;
  }
  let position = rows[token].x;
  let angle = angles[position * p.half_dim + d];
  if (head < p.heads) {
    let first = (token * p.heads + head) * 2u * p.half_dim + d;
    let pair = turned(vec2f(q[first], q[first + p.half_dim]), angle);
    rotated[first] = T(pair.x);
    rotated[first + p.half_dim] = T(pair.y);
    return;
  }
  let is_value = head >= p.heads + p.kv_heads;
  let kv_head = (head - p.heads) % p.kv_heads;
  let page = table[rows[token].y * p.row_pages + position / PAGE];
  let to = ((page * PAGE + position % PAGE) * p.kv_heads + kv_head) * p.stride + d;
  let source = (token * p.kv_heads + kv_head) * 2u * p.half_dim + d;
  if (is_value) {
    v_pages[to] = T(clamp(v[source], -65504.0, 65504.0));
    v_pages[to + p.half_dim] = T(clamp(v[source + p.half_dim], -65504.0, 65504.0));
  } else {
    let pair = turned(vec2f(k[source], k[source + p.half_dim]), angle);
    k_pages[to] = T(pair.x);
    k_pages[to + p.half_dim] = T(pair.y);
  }
}

fn turned(x: vec2f, angle: vec2f) -> vec2f {
  let pair = vec2f(x.x * angle.x - x.y * angle.y, x.y * angle.x + x.x * angle.y);
  return clamp(pair, vec2f(-65504.0), vec2f(65504.0));
}
