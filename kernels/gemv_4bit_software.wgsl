// gemv_4bit_software: out = x w^T (+ out) for one row of x and 4-bit weights, on CPU adapters; nothing is dequantised to memory.
//   x [k] f32   packed, absmax, values: w [n, k] as in dequantise_4bit, k a multiple of 8   out [n] f32 from outOffset on
// One subgroup makes ROWS columns of out; lanes lie along k, one word of eight codes a lane. Dispatch ceil(n / ROWS), folded over x
// and y. SEGMENTED: rows of x and out as in lib/segment.wgsl, at most one. The subgroup size must be LANES. Dettmers et al. 2023.
// include: four_bit_select, round_stored, segment
enable subgroups;

const LANES: u32 = 8u; // spec: 4 | 8 | 16 | 32 | 64
const SEGMENTED: u32 = 0u; // spec: 0 | 1
const ROWS: u32 = 4u;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  block: u32,
  round_to: u32,
  outOffset: u32,
  outStride: u32,
  accumulate: u32,
  segment: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read> absmax: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<vec4f, 4>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read> segments: array<vec2u>;

@compute @workgroup_size(LANES)
fn gemv_4bit_software(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * ROWS;
  let rows = segment_rows();
  if (first >= p.n || rows.y == 0u) {
    return;
  }
  let words = p.k / 8u;
  let fromX = 2u * rows.x * words;
  let v0 = values[0];
  let v1 = values[1];
  let v2 = values[2];
  let v3 = values[3];
  var sums = array<f32, ROWS>();
  for (var s = 0u; s < words; s += LANES) {
    // Past k, x is 0; past the last row, the last one is taken again and not stored.
    let here = min(s + lane, words - 1u);
    let inside = s + lane < words;
    let x0 = select(vec4f(), x[fromX + 2u * here], inside);
    let x1 = select(vec4f(), x[fromX + 2u * here + 1u], inside);
    for (var r = 0u; r < ROWS; r++) {
      let at = min(first + r, p.n - 1u) * words + here;
      let bits = packed[at];
      let scale = absmax[8u * at / p.block];
      let w0 = round_stored(scale * four_bit_select(four_bit_low(bits), v0, v1, v2, v3), p.round_to);
      let w1 = round_stored(scale * four_bit_select(four_bit_high(bits), v0, v1, v2, v3), p.round_to);
      sums[r] += dot(x0, w0) + dot(x1, w1);
    }
  }
  // Lane r keeps the sum of row r, so that all are stored at once.
  var mine = 0.0;
  for (var r = 0u; r < ROWS; r++) {
    mine = select(mine, subgroupAdd(sums[r]), lane % ROWS == r);
  }
  let column = first + lane % ROWS;
  let at = p.outOffset + rows.x * p.outStride + column;
  if (lane < ROWS && column < p.n) {
    if (p.accumulate != 0u) {
      mine += out[at];
    }
    out[at] = mine;
  }
}
