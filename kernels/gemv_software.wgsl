// gemv_software: out = alpha x w^T (+ out) for one row of x, on CPU adapters.
//   x [k] f32 from xOffset on   w [n, k] f32   out [n] f32 from outOffset on; k and xOffset are multiples of 4
// One subgroup makes ROWS columns of out; lanes lie along k, four steps a lane, since a load here costs by the lane and not by the
// byte. SEGMENTED: rows of x and out as in lib/segment.wgsl, at most one.
// Dispatch ceil(n / ROWS), folded over x and y. The subgroup size must be LANES.
// include: segment
enable subgroups;

const LANES: u32 = 8u; // spec: 4 | 8 | 16 | 32 | 64
const SEGMENTED: u32 = 0u; // spec: 0 | 1
const ROWS: u32 = 4u;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  xOffset: u32,
  outOffset: u32,
  outStride: u32,
  accumulate: u32,
  segment: u32,
  alpha: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> segments: array<vec2u>;

@compute @workgroup_size(LANES)
fn gemv_software(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (group.y * groups.x + group.x) * ROWS;
  let rows = segment_rows();
  if (first >= p.n || rows.y == 0u) {
    return;
  }
  let steps = p.k / 4u;
  let fromX = p.xOffset / 4u + rows.x * steps;
  // Past the last row of w, the last one is taken again and not stored; past k, x is 0.
  var at = array<u32, ROWS>();
  for (var r = 0u; r < ROWS; r++) {
    at[r] = min(first + r, p.n - 1u) * steps;
  }
  var sums = array<f32, ROWS>();
  let whole = steps / LANES * LANES;
  for (var s = lane; s < whole; s += LANES) {
    let xs = x[fromX + s];
    for (var r = 0u; r < ROWS; r++) {
      sums[r] += dot(xs, w[at[r] + s]);
    }
  }
  if (whole < steps) {
    let s = min(whole + lane, steps - 1u);
    let xs = select(vec4f(), x[fromX + s], whole + lane < steps);
    for (var r = 0u; r < ROWS; r++) {
      sums[r] += dot(xs, w[at[r] + s]);
    }
  }
  // Lane r keeps the sum of row r, so that all are stored at once.
  var mine = 0.0;
  for (var r = 0u; r < ROWS; r++) {
    mine = select(mine, subgroupAdd(sums[r]), lane % ROWS == r);
  }
  store(p.outOffset + rows.x * p.outStride, first + lane % ROWS, mine, lane < ROWS);
}

fn store(base: u32, column: u32, sum: f32, wanted: bool) {
  if (!wanted || column >= p.n) {
    return;
  }
  var value = p.alpha * sum;
  if (p.accumulate != 0u) {
    value += out[base + column];
  }
  out[base + column] = value;
}
