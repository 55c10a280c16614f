// matmul_software: out = alpha a b (+ out) for CPU adapters, where each load is a gather whatever its pattern and workgroup
// memory loses: one subgroup holds 8 rows x (2 LANES) columns of out in registers, loads LANES steps of k of each row of a
// at once, one a lane, and hands them round by subgroupBroadcast. All layouts by strides.
//   a, b, out f32; element (i, k) of a at aOffset + i aRow + k aStep, (k, j) of b at bOffset + k bStep + j bColumn
// SEGMENTED as in lib/segment.wgsl.
// Dispatch ceil(n / (2 LANES)) x ceil(m / 8), the second folded over y and z. The subgroup size must be LANES.
// include: segment
enable subgroups;

const LANES: u32 = 8u; // spec: 4 | 8 | 16
const SEGMENTED: u32 = 0u; // spec: 0 | 1 | 2

struct Params {
  m: u32,
  n: u32,
  k: u32,
  aOffset: u32,
  aRow: u32,
  aStep: u32,
  bOffset: u32,
  bStep: u32,
  bColumn: u32,
  outOffset: u32,
  outStride: u32,
  accumulate: u32,
  segment: u32,
  alpha: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> segments: array<vec2u>;

@compute @workgroup_size(LANES)
fn matmul_software(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = 8u * (group.z * groups.y + group.y);
  let column = group.x * 2u * LANES + lane;
  let rows = segment_rows();
  if (row >= rows.y) {
    return;
  }
  let lastRow = rows.y - 1u;
  let steps = segment_steps();
  let firstA = p.aOffset + p.aRow * rows.x + p.aStep * steps.x;
  let firstB = p.bOffset + p.bStep * steps.x;
  // Edge tiles compute their last row or column several times and store it once.
  var ra0 = firstA + p.aRow * min(vec4u(row, row + 1u, row + 2u, row + 3u), vec4u(lastRow));
  var ra1 = firstA + p.aRow * min(vec4u(row + 4u, row + 5u, row + 6u, row + 7u), vec4u(lastRow));
  var b0 = firstB + p.bColumn * min(column, p.n - 1u);
  var b1 = firstB + p.bColumn * min(column + LANES, p.n - 1u);
  var c00 = vec4f();
  var c01 = vec4f();
  var c10 = vec4f();
  var c11 = vec4f();
  for (var k = 0u; k < steps.y; k += LANES) {
    // Past k, a is taken as 0 and b as its last row.
    let last = steps.y - 1u - k;
    let at = (k + min(lane, last)) * p.aStep;
    let keep = vec4<bool>(lane <= last);
    let a0 = select(vec4f(), vec4f(a[ra0.x + at], a[ra0.y + at], a[ra0.z + at], a[ra0.w + at]), keep);
    let a1 = select(vec4f(), vec4f(a[ra1.x + at], a[ra1.y + at], a[ra1.z + at], a[ra1.w + at]), keep);
    {
      let r = min(0u, last) * p.bStep;
      let x0 = b[b0 + r];
      let x1 = b[b1 + r];
      let y0 = subgroupBroadcast(a0, 0u);
      let y1 = subgroupBroadcast(a1, 0u);
      c00 = fma(y0, vec4f(x0), c00);
      c01 = fma(y0, vec4f(x1), c01);
      c10 = fma(y1, vec4f(x0), c10);
      c11 = fma(y1, vec4f(x1), c11);
    }
    {
      let r = min(1u, last) * p.bStep;
      let x0 = b[b0 + r];
      let x1 = b[b1 + r];
      let y0 = subgroupBroadcast(a0, 1u);
      let y1 = subgroupBroadcast(a1, 1u);
      c00 = fma(y0, vec4f(x0), c00);
      c01 = fma(y0, vec4f(x1), c01);
      c10 = fma(y1, vec4f(x0), c10);
      c11 = fma(y1, vec4f(x1), c11);
    }
    {
      let r = min(2u, last) * p.bStep;
      let x0 = b[b0 + r];
      let x1 = b[b1 + r];
      let y0 = subgroupBroadcast(a0, 2u);
      let y1 = subgroupBroadcast(a1, 2u);
      c00 = fma(y0, vec4f(x0), c00);
      c01 = fma(y0, vec4f(x1), c01);
      c10 = fma(y1, vec4f(x0), c10);
      c11 = fma(y1, vec4f(x1), c11);
    }
    {
      let r = min(3u, last) * p.bStep;
      let x0 = b[b0 + r];
      let x1 = b[b1 + r];
      let y0 = subgroupBroadcast(a0, 3u);
      let y1 = subgroupBroadcast(a1, 3u);
      c00 = fma(y0, vec4f(x0), c00);
      c01 = fma(y0, vec4f(x1), c01);
      c10 = fma(y1, vec4f(x0), c10);
      c11 = fma(y1, vec4f(x1), c11);
    }
    if (LANES > 4u) {
      {
        let r = min(4u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 4u);
        let y1 = subgroupBroadcast(a1, 4u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(5u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 5u);
        let y1 = subgroupBroadcast(a1, 5u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(6u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 6u);
        let y1 = subgroupBroadcast(a1, 6u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(7u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 7u);
        let y1 = subgroupBroadcast(a1, 7u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
    }
    if (LANES > 8u) {
      {
        let r = min(8u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 8u);
        let y1 = subgroupBroadcast(a1, 8u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(9u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 9u);
        let y1 = subgroupBroadcast(a1, 9u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(10u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 10u);
        let y1 = subgroupBroadcast(a1, 10u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(11u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 11u);
        let y1 = subgroupBroadcast(a1, 11u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(12u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 12u);
        let y1 = subgroupBroadcast(a1, 12u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(13u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 13u);
        let y1 = subgroupBroadcast(a1, 13u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(14u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 14u);
        let y1 = subgroupBroadcast(a1, 14u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
      {
        let r = min(15u, last) * p.bStep;
        let x0 = b[b0 + r];
        let x1 = b[b1 + r];
        let y0 = subgroupBroadcast(a0, 15u);
        let y1 = subgroupBroadcast(a1, 15u);
        c00 = fma(y0, vec4f(x0), c00);
        c01 = fma(y0, vec4f(x1), c01);
        c10 = fma(y1, vec4f(x0), c10);
        c11 = fma(y1, vec4f(x1), c11);
      }
    }
    b0 += LANES * p.bStep;
    b1 += LANES * p.bStep;
  }
  var tile0 = array(c00.x, c00.y, c00.z, c00.w, c10.x, c10.y, c10.z, c10.w);
  var tile1 = array(c01.x, c01.y, c01.z, c01.w, c11.x, c11.y, c11.z, c11.w);
  for (var i = 0u; i < min(8u, rows.y - row); i++) {
    let at = p.outOffset + (rows.x + row + i) * p.outStride + column;
    if (column < p.n) {
      var value = p.alpha * tile0[i];
      if (p.accumulate != 0u) {
        value += out[at];
      }
      out[at] = value;
    }
    if (column + LANES < p.n) {
      var value = p.alpha * tile1[i];
      if (p.accumulate != 0u) {
        value += out[at + LANES];
      }
      out[at + LANES] = value;
    }
  }
}
