// matmul_tile: out = alpha a b + extraA extraB (+ out) on a GPU. Each workgroup makes one tile of out: it stages slices of a and
// b in workgroup memory as f32, and each thread sums 4 x 4 or 8 x 8 elements in registers. Storage f32 or f16, arithmetic f32.
//   a [m, k] (A_ROWS 1) or [k, m] (0)   b [k, n] (B_ROWS 1) or [n, k] (0)   out [m, n], clamped to f16's range if f16
//   extraA [m, extraK], extraB laid out as b: f32, contiguous, without alpha (a LoRA delta); not read when extraK is 0
// Dispatch ceil(n / BN) x ceil(m / BM) x splits; split z sums steps z chunk .. (z + 1) chunk, and writes z splitStride further on.
// SEGMENTED as in lib/segment.wgsl, in one split only: 1 needs A_ROWS 1, 2 needs A_ROWS 0 and B_ROWS 1.
// Scalar reads of workgroup memory and no double buffering, since torchlette measured both slower on a V100.
// include: clamp_to_half, segment
alias A = f32; // spec: f32 | f16
alias B = f32; // spec: f32 | f16
alias O = f32; // spec: f32 | f16
const A_ROWS: u32 = 1u; // spec: 0 | 1
const B_ROWS: u32 = 0u; // spec: 0 | 1
const SEGMENTED: u32 = 0u; // spec: 0 | 1 | 2
const TILE: u32 = 0u; // spec: 0 | 1 | 2 | 3, for tests on CPUs | few columns | middling | large

const BM: u32 = array(16u, 128u, 64u, 128u)[TILE];
const BN: u32 = array(16u, 32u, 64u, 128u)[TILE];
const BK: u32 = array(2u, 16u, 16u, 8u)[TILE];
// 4 x 4 blocks of a thread, in each direction; half a tile apart, so that the reads of a warp meet no bank twice.
const BLOCKS: u32 = array(1u, 1u, 1u, 2u)[TILE];
const THREADS_N: u32 = BN / (4u * BLOCKS);
const THREADS: u32 = THREADS_N * BM / (4u * BLOCKS);
const A_LINE: u32 = BM + 1u;
const B_LINE: u32 = BN + 1u;

struct Params {
  m: u32,
  n: u32,
  k: u32,
  aOffset: u32,
  aStride: u32,
  bOffset: u32,
  bStride: u32,
  outOffset: u32,
  outStride: u32,
  extraK: u32,
  accumulate: u32,
  chunk: u32,
  splitStride: u32,
  segment: u32,
  alpha: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> a: array<A>;
@group(0) @binding(1) var<storage, read> b: array<B>;
@group(0) @binding(2) var<storage, read_write> out: array<O>;
@group(0) @binding(3) var<storage, read> extraA: array<f32>;
@group(0) @binding(4) var<storage, read> extraB: array<f32>;
@group(0) @binding(5) var<storage, read> segments: array<vec2u>;

var<workgroup> tileA: array<f32, BK * A_LINE>;
var<workgroup> tileB: array<f32, BK * B_LINE>;

fn elementA(extra: bool, rows: vec2u, skipped: u32, row: u32, k: u32, end: u32) -> f32 {
  if (row >= rows.y || k >= end) {
    return 0.0;
  }
  if (extra) {
    return extraA[row * p.extraK + k];
  }
  return f32(a[p.aOffset + select((skipped + k) * p.aStride + row, (rows.x + row) * p.aStride + k, A_ROWS == 1u)]);
}

fn elementB(extra: bool, skipped: u32, column: u32, k: u32, end: u32) -> f32 {
  if (column >= p.n || k >= end) {
    return 0.0;
  }
  if (extra) {
    return extraB[select(column * p.extraK + k, k * p.n + column, B_ROWS == 1u)];
  }
  return f32(b[p.bOffset + select(column * p.bStride + k, (skipped + k) * p.bStride + column, B_ROWS == 1u)]);
}

// Neighbouring threads read neighbouring elements of the operand as it lies.
fn stage(
  extra: bool,
  rows: vec2u,
  skipped: u32,
  firstRow: u32,
  firstColumn: u32,
  k: u32,
  end: u32,
  thread: u32,
) {
  for (var i = 0u; i < BM * BK / THREADS; i++) {
    let e = i * THREADS + thread;
    let row = select(e % BM, e / BK, A_ROWS == 1u);
    let step = select(e / BM, e % BK, A_ROWS == 1u);
    tileA[step * A_LINE + row] = elementA(extra, rows, skipped, firstRow + row, k + step, end);
  }
  for (var i = 0u; i < BN * BK / THREADS; i++) {
    let e = i * THREADS + thread;
    let column = select(e / BK, e % BN, B_ROWS == 1u);
    let step = select(e % BK, e / BN, B_ROWS == 1u);
    tileB[step * B_LINE + column] = elementB(extra, skipped, firstColumn + column, k + step, end);
  }
}

fn store(base: u32, rows: u32, row: u32, column: u32, sums: vec4f) {
  let columns = select(min(4u, p.n - column), 0u, row >= rows || column >= p.n);
  for (var j = 0u; j < columns; j++) {
    let at = base + row * p.outStride + column + j;
    var value = sums[j];
    if (p.accumulate != 0u) {
      value += f32(out[at]);
    }
    if (IS_HALF) {
      value = clampToHalf(value);
    }
    out[at] = O(value);
  }
}

// O is f16 when it cannot hold 2049.
const IS_HALF: bool = f32(O(2049.0)) != 2049.0;

@compute @workgroup_size(THREADS)
fn matmul_tile(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * BM;
  let firstColumn = group.x * BN;
  let rows = segment_rows();
  let steps = segment_steps();
  if (firstRow >= rows.y) {
    return;
  }
  let row = thread / THREADS_N * 4u;
  let column = thread % THREADS_N * 4u;
  var c00 = vec4f(); var c01 = vec4f();
  var c10 = vec4f(); var c11 = vec4f();
  var c20 = vec4f(); var c21 = vec4f();
  var c30 = vec4f(); var c31 = vec4f();
  var c40 = vec4f(); var c41 = vec4f();
  var c50 = vec4f(); var c51 = vec4f();
  var c60 = vec4f(); var c61 = vec4f();
  var c70 = vec4f(); var c71 = vec4f();
  let parts = select(1u, 2u, p.extraK > 0u);
  for (var part = 0u; part < parts; part++) {
    let extra = part == 1u;
    let begin = select(group.z * p.chunk, 0u, extra);
    let end = select(min(steps.y, begin + p.chunk), select(0u, p.extraK, group.z == 0u), extra);
    for (var k = begin; k < end; k += BK) {
      workgroupBarrier();
      stage(extra, rows, steps.x, firstRow, firstColumn, k, end, thread);
      workgroupBarrier();
      for (var step = 0u; step < BK; step++) {
        let i = step * A_LINE + row;
        let j = step * B_LINE + column;
        let y0 = vec4f(tileA[i], tileA[i + 1u], tileA[i + 2u], tileA[i + 3u]);
        let x0 = vec4f(tileB[j], tileB[j + 1u], tileB[j + 2u], tileB[j + 3u]);
        c00 = fma(vec4f(y0.x), x0, c00);
        c10 = fma(vec4f(y0.y), x0, c10);
        c20 = fma(vec4f(y0.z), x0, c20);
        c30 = fma(vec4f(y0.w), x0, c30);
        if (BLOCKS == 2u) {
          let i1 = i + BM / 2u;
          let j1 = j + BN / 2u;
          let y1 = vec4f(tileA[i1], tileA[i1 + 1u], tileA[i1 + 2u], tileA[i1 + 3u]);
          let x1 = vec4f(tileB[j1], tileB[j1 + 1u], tileB[j1 + 2u], tileB[j1 + 3u]);
          c01 = fma(vec4f(y0.x), x1, c01);
          c11 = fma(vec4f(y0.y), x1, c11);
          c21 = fma(vec4f(y0.z), x1, c21);
          c31 = fma(vec4f(y0.w), x1, c31);
          c40 = fma(vec4f(y1.x), x0, c40);
          c50 = fma(vec4f(y1.y), x0, c50);
          c60 = fma(vec4f(y1.z), x0, c60);
          c70 = fma(vec4f(y1.w), x0, c70);
          c41 = fma(vec4f(y1.x), x1, c41);
          c51 = fma(vec4f(y1.y), x1, c51);
          c61 = fma(vec4f(y1.z), x1, c61);
          c71 = fma(vec4f(y1.w), x1, c71);
        }
      }
    }
    if (!extra) {
      c00 *= p.alpha; c01 *= p.alpha;
      c10 *= p.alpha; c11 *= p.alpha;
      c20 *= p.alpha; c21 *= p.alpha;
      c30 *= p.alpha; c31 *= p.alpha;
      c40 *= p.alpha; c41 *= p.alpha;
      c50 *= p.alpha; c51 *= p.alpha;
      c60 *= p.alpha; c61 *= p.alpha;
      c70 *= p.alpha; c71 *= p.alpha;
    }
  }
  let at = p.outOffset + group.z * p.splitStride + rows.x * p.outStride;
  let toRow = firstRow + row;
  let toColumn = firstColumn + column;
  store(at, rows.y, toRow, toColumn, c00);
  store(at, rows.y, toRow + 1u, toColumn, c10);
  store(at, rows.y, toRow + 2u, toColumn, c20);
  store(at, rows.y, toRow + 3u, toColumn, c30);
  if (BLOCKS == 2u) {
    store(at, rows.y, toRow, toColumn + BN / 2u, c01);
    store(at, rows.y, toRow + 1u, toColumn + BN / 2u, c11);
    store(at, rows.y, toRow + 2u, toColumn + BN / 2u, c21);
    store(at, rows.y, toRow + 3u, toColumn + BN / 2u, c31);
    store(at, rows.y, toRow + BM / 2u, toColumn, c40);
    store(at, rows.y, toRow + BM / 2u, toColumn + BN / 2u, c41);
    store(at, rows.y, toRow + BM / 2u + 1u, toColumn, c50);
    store(at, rows.y, toRow + BM / 2u + 1u, toColumn + BN / 2u, c51);
    store(at, rows.y, toRow + BM / 2u + 2u, toColumn, c60);
    store(at, rows.y, toRow + BM / 2u + 2u, toColumn + BN / 2u, c61);
    store(at, rows.y, toRow + BM / 2u + 3u, toColumn, c70);
    store(at, rows.y, toRow + BM / 2u + 3u, toColumn + BN / 2u, c71);
  }
}
