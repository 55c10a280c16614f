// gemv: out = alpha x w^T (+ out) for a few rows of x, on GPUs: each weight is read once, in the order in which it lies.
//   x [m, k] X from xOffset on, m at most BATCH   w [n, k] W   out [m, n] O at outOffset + row outStride; k, xOffset multiples of 4
// One workgroup makes ROWS columns of out; its threads lie along k, four steps each; sums are f32.
// Dispatch ceil(n / ROWS), folded over x and y.
// SEGMENTED: rows of x and out as in lib/segment.wgsl.
// include: gemv_store, clamp_to_half, segment
alias X = f32; // spec: f32 | f16
alias W = f32; // spec: f32 | f16
alias O = f32; // spec: f32 | f16
const BATCH: u32 = 1u; // spec: 1 | 2 | 4 | 8
const SEGMENTED: u32 = 0u; // spec: 0 | 1
const ROWS: u32 = 4u;
const THREADS: u32 = 64u;

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

@group(0) @binding(0) var<storage, read> x: array<vec4<X>>;
@group(0) @binding(1) var<storage, read> w: array<vec4<W>>;
@group(0) @binding(2) var<storage, read_write> out: array<O>;
@group(0) @binding(3) var<storage, read> segments: array<vec2u>;

@compute @workgroup_size(THREADS)
fn gemv(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let rows = segment_rows();
  if (rows.y == 0u) {
    return;
  }
  let first = (group.y * groups.x + group.x) * ROWS;
  let steps = p.k / 4u;
  var sums = array<array<f32, ROWS>, BATCH>();
  for (var s = thread; s < steps; s += THREADS) {
    // Past the last row or column, the last one is taken again and not stored.
    for (var r = 0u; r < ROWS; r++) {
      let weight = vec4f(w[min(first + r, p.n - 1u) * steps + s]);
      for (var b = 0u; b < BATCH; b++) {
        sums[b][r] += dot(vec4f(x[p.xOffset / 4u + (rows.x + min(b, rows.y - 1u)) * steps + s]), weight);
      }
    }
  }
  gemv_store(first, thread, sums, rows);
}
