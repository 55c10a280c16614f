// gemv_4bit: out = alpha x w^T (+ out) for a few rows of x and 4-bit weights, on GPUs; nothing is dequantised to memory.
//   x [m, k] X from xOffset on, m at most BATCH   packed, absmax, values: w [n, k] as in dequantise_4bit, k a multiple of 8
//   out [m, n] O at outOffset + row outStride
// One workgroup makes ROWS columns of out; its threads lie along k, one word of eight codes each; sums are f32.
// Dispatch ceil(n / ROWS), folded over x and y. Dettmers et al. 2023.
// SEGMENTED: rows of x and out as in lib/segment.wgsl.
// include: gemv_store, clamp_to_half, round_stored, segment
alias X = f32; // spec: f32 | f16
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
  block: u32,
  round_to: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4<X>>;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read> absmax: array<f32>;
@group(0) @binding(3) var<storage, read> values: array<f32, 16>;
@group(0) @binding(4) var<storage, read_write> out: array<O>;
@group(0) @binding(5) var<storage, read> segments: array<vec2u>;

var<workgroup> held: array<f32, 16>;

fn weights(bits: u32, scale: f32) -> vec4f {
  let codes = (vec4u(bits) >> vec4u(4u, 0u, 12u, 8u)) & vec4u(15u);
  let plain = vec4f(held[codes.x], held[codes.y], held[codes.z], held[codes.w]);
  return round_stored(scale * plain, p.round_to);
}

@compute @workgroup_size(THREADS)
fn gemv_4bit(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let rows = segment_rows();
  if (rows.y == 0u) {
    return;
  }
  if (thread < 16u) {
    held[thread] = values[thread];
  }
  workgroupBarrier();
  let first = (group.y * groups.x + group.x) * ROWS;
  let words = p.k / 8u;
  var sums = array<array<f32, ROWS>, BATCH>();
  for (var s = thread; s < words; s += THREADS) {
    for (var r = 0u; r < ROWS; r++) {
      let at = min(first + r, p.n - 1u) * words + s;
      let bits = packed[at];
      let scale = absmax[8u * at / p.block];
      let w0 = weights(bits, scale);
      let w1 = weights(bits >> 16u, scale);
      for (var b = 0u; b < BATCH; b++) {
        let from_x = p.xOffset / 4u + 2u * ((rows.x + min(b, rows.y - 1u)) * words + s);
        sums[b][r] += dot(vec4f(x[from_x]), w0) + dot(vec4f(x[from_x + 1u]), w1);
      }
    }
  }
  gemv_store(first, thread, sums, rows);
}
