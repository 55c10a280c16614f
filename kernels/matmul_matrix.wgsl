// matmul_matrix: out = alpha a b + extraA extraB (+ out) by matrix units, f16 x f16 into f32. Each workgroup makes 128 x 128 of
// out: it stages STEPS steps of a and b as f16, clamped to its range, and each of 8 subgroups sums 64 x 32 in eight 16 x 16 matrices.
//   a [m, k] (A_ROWS 1) or [k, m] (0)   b [k, n] (B_ROWS 1) or [n, k] (0)   out [m, n], clamped to f16's range if f16
//   extraA [m, extraK], extraB laid out as b: f32, contiguous (a LoRA delta); not read when extraK is 0, which alpha != 1 needs
// Dispatch ceil(n / 128) x ceil(m / 128). All offsets and strides, n, k and extraK (and m where A_ROWS is 0) are multiples of 4.
// Subgroups have at most LANES lanes; if they have fewer, those from the 9th on repeat the work of the first 8.
// SEGMENTED as in lib/segment.wgsl: 1 needs A_ROWS 1, 2 needs A_ROWS 0 and B_ROWS 1.
// include: clamp_to_half, segment
enable subgroups;
enable chromium_experimental_subgroup_matrix;

alias A = f32; // spec: f32 | f16
alias B = f32; // spec: f32 | f16
alias O = f32; // spec: f32 | f16
const A_ROWS: u32 = 1u; // spec: 0 | 1
const B_ROWS: u32 = 0u; // spec: 0 | 1
const SEGMENTED: u32 = 0u; // spec: 0 | 1 | 2
// Steps of k staged at once; 32 where workgroup memory has 28 KiB.
override STEPS: u32 = 16u;

alias Left = subgroup_matrix_left<f16, 16, 16>;
alias Right = subgroup_matrix_right<f16, 16, 16>;
alias Sum = subgroup_matrix_result<f32, 16, 16>;

// f16 is what cannot hold 2049.
const A_HALF: bool = f32(A(2049.0)) != 2049.0;
const B_HALF: bool = f32(B(2049.0)) != 2049.0;
const O_HALF: bool = f32(O(2049.0)) != 2049.0;

const LANES: u32 = 32u;
const THREADS: u32 = 8u * LANES;
// Lines of the staged slices in vec4: 128 or STEPS elements, and 8 more so that lines start in different banks.
const LONG: u32 = 34u;
override SHORT: u32 = STEPS / 4u + 2u;
override SLICE: u32 = 128u * SHORT;

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
  segment: u32,
  alpha: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> a: array<vec4<A>>;
@group(0) @binding(1) var<storage, read> b: array<vec4<B>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<O>>;
@group(0) @binding(3) var<storage, read> extraA: array<vec4f>;
@group(0) @binding(4) var<storage, read> extraB: array<vec4f>;
@group(0) @binding(5) var<storage, read> segments: array<vec2u>;

var<workgroup> sliceA: array<vec4<f16>, SLICE>;
var<workgroup> sliceB: array<vec4<f16>, SLICE>;
var<workgroup> results: array<vec4f, 4u * 64u>;

fn clampedToHalf(x: vec4f) -> vec4f {
  return vec4f(clampToHalf(x.x), clampToHalf(x.y), clampToHalf(x.z), clampToHalf(x.w));
}

fn toHalf(x: vec4f) -> vec4<f16> {
  return vec4<f16>(clampedToHalf(x));
}

fn quadA(extra: bool, rows: vec2u, skipped: u32, row: u32, k: u32, end: u32) -> vec4<f16> {
  if (row >= rows.y || k >= end) {
    return vec4<f16>();
  }
  if (extra) {
    return toHalf(extraA[(row * p.extraK + k) / 4u]);
  }
  let value = a[(p.aOffset + select((skipped + k) * p.aStride + row, (rows.x + row) * p.aStride + k, A_ROWS == 1u)) / 4u];
  if (A_HALF) {
    return vec4<f16>(value);
  }
  return toHalf(vec4f(value));
}

fn quadB(extra: bool, skipped: u32, column: u32, k: u32, end: u32) -> vec4<f16> {
  if (column >= p.n || k >= end) {
    return vec4<f16>();
  }
  if (extra) {
    return toHalf(extraB[select(column * p.extraK + k, k * p.n + column, B_ROWS == 1u) / 4u]);
  }
  let value = b[(p.bOffset + select(column * p.bStride + k, (skipped + k) * p.bStride + column, B_ROWS == 1u)) / 4u];
  if (B_HALF) {
    return vec4<f16>(value);
  }
  return toHalf(vec4f(value));
}

// Each slice keeps the operand's own layout; neighbouring threads read neighbouring quads.
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
  let quads = STEPS / 4u;
  for (var e = thread; e < 32u * STEPS; e += THREADS) {
    if (A_ROWS == 1u) {
      sliceA[e / quads * SHORT + e % quads] = quadA(extra, rows, skipped, firstRow + e / quads, k + e % quads * 4u, end);
    } else {
      sliceA[e / 32u * LONG + e % 32u] = quadA(extra, rows, skipped, firstRow + e % 32u * 4u, k + e / 32u, end);
    }
    if (B_ROWS == 1u) {
      sliceB[e / 32u * LONG + e % 32u] = quadB(extra, skipped, firstColumn + e % 32u * 4u, k + e / 32u, end);
    } else {
      sliceB[e / quads * SHORT + e % quads] = quadB(extra, skipped, firstColumn + e / quads, k + e % quads * 4u, end);
    }
  }
}

fn left(row: u32, step: u32) -> Left {
  if (A_ROWS == 1u) {
    return subgroupMatrixLoad<Left, row_major>(&sliceA, row * SHORT + step / 4u, SHORT);
  }
  return subgroupMatrixLoad<Left, col_major>(&sliceA, step * LONG + row / 4u, LONG);
}

fn right(column: u32, step: u32) -> Right {
  if (B_ROWS == 1u) {
    return subgroupMatrixLoad<Right, row_major>(&sliceB, step * LONG + column / 4u, LONG);
  }
  return subgroupMatrixLoad<Right, col_major>(&sliceB, column * SHORT + step / 4u, SHORT);
}

// Writes one 16 x 16 matrix of each subgroup, four subgroups at a time, by way of workgroup memory: matrices show no elements.
fn finish(sum: Sum, subgroup: u32, lane: u32, size: u32, row: u32, column: u32) {
  for (var half = 0u; half < 2u; half++) {
    let mine = subgroup / 4u == half;
    let slot = subgroup % 4u * 64u;
    workgroupBarrier();
    if (mine) {
      subgroupMatrixStore<row_major>(&results, slot, sum, 4u);
    }
    workgroupBarrier();
    for (var e = lane; e < 64u && mine; e += size) {
      write(row + e / 4u, column + e % 4u * 4u, results[slot + e]);
    }
  }
}

fn write(row: u32, column: u32, sum: vec4f) {
  let rows = segment_rows();
  if (row >= rows.y || column >= p.n) {
    return;
  }
  let at = (p.outOffset + (rows.x + row) * p.outStride + column) / 4u;
  var value = p.alpha * sum;
  if (p.accumulate != 0u) {
    value += vec4f(out[at]);
  }
  if (O_HALF) {
    value = clampedToHalf(value);
  }
  out[at] = vec4<O>(value);
}

@compute @workgroup_size(THREADS)
fn matmul_matrix(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
  @builtin(subgroup_size) size: u32,
) {
  let firstRow = group.y * 128u;
  let firstColumn = group.x * 128u;
  let rows = segment_rows();
  let steps = segment_steps();
  if (firstRow >= rows.y) {
    return;
  }
  let row = subgroup / 4u % 2u * 64u;
  let column = subgroup % 4u * 32u;
  var c00: Sum;
  var c01: Sum;
  var c10: Sum;
  var c11: Sum;
  var c20: Sum;
  var c21: Sum;
  var c30: Sum;
  var c31: Sum;
  let parts = select(1u, 2u, p.extraK > 0u);
  for (var part = 0u; part < parts; part++) {
    let extra = part == 1u;
    let end = select(steps.y, p.extraK, extra);
    for (var k = 0u; k < end; k += STEPS) {
      workgroupBarrier();
      stage(extra, rows, steps.x, firstRow, firstColumn, k, end, thread);
      workgroupBarrier();
      for (var step = 0u; step < STEPS; step += 16u) {
        let b0 = right(column, step);
        let b1 = right(column + 16u, step);
        let a0 = left(row, step);
        c00 = subgroupMatrixMultiplyAccumulate(a0, b0, c00);
        c01 = subgroupMatrixMultiplyAccumulate(a0, b1, c01);
        let a1 = left(row + 16u, step);
        c10 = subgroupMatrixMultiplyAccumulate(a1, b0, c10);
        c11 = subgroupMatrixMultiplyAccumulate(a1, b1, c11);
        let a2 = left(row + 32u, step);
        c20 = subgroupMatrixMultiplyAccumulate(a2, b0, c20);
        c21 = subgroupMatrixMultiplyAccumulate(a2, b1, c21);
        let a3 = left(row + 48u, step);
        c30 = subgroupMatrixMultiplyAccumulate(a3, b0, c30);
        c31 = subgroupMatrixMultiplyAccumulate(a3, b1, c31);
      }
    }
  }
  let toRow = firstRow + row;
  let toColumn = firstColumn + column;
  finish(c00, subgroup, lane, size, toRow, toColumn);
  finish(c01, subgroup, lane, size, toRow, toColumn + 16u);
  finish(c10, subgroup, lane, size, toRow + 16u, toColumn);
  finish(c11, subgroup, lane, size, toRow + 16u, toColumn + 16u);
  finish(c20, subgroup, lane, size, toRow + 32u, toColumn);
  finish(c21, subgroup, lane, size, toRow + 32u, toColumn + 16u);
  finish(c30, subgroup, lane, size, toRow + 48u, toColumn);
  finish(c31, subgroup, lane, size, toRow + 48u, toColumn + 16u);
}
