// matmul_software_aligned: out = alpha a b (+ out) for CPU adapters with subgroups of 8, where a load costs by the lane and by
// the test of its bounds, not by the byte. One subgroup holds 32 rows x 32 columns of out, 4 columns a lane. It takes 8 steps
// of k at a time: a by vec4 along k, one row a lane, handed round by subgroupBroadcast; b by vec4 as it lies. One row's sums
// stay in registers for all 8 steps, so more rows cost fewer loads. matmul_software does the shapes that this cannot.
//   a [m, k]   b [k, n] (B_ROWS 1) or [n, k] (B_ROWS 0)   out [m, n]; all f32
// Dispatch ceil(n / 32) x ceil(m / 32), the second folded over y and z. n, k, offsets and strides are multiples of 4.
enable subgroups;

const B_ROWS: u32 = 1u; // spec: 0 | 1

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
  accumulate: u32,
  alpha: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(8)
fn matmul_software_aligned(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = 32u * (group.z * groups.y + group.y);
  let column = 32u * group.x + 4u * lane;
  // Edge tiles compute their last row or columns several times and store them once.
  let lastRow = p.m - 1u;
  let firstColumn = min(column, p.n - 4u);
  var at0 = (p.aOffset + p.aStride * min(row + lane, lastRow)) / 4u;
  var at1 = (p.aOffset + p.aStride * min(row + 8u + lane, lastRow)) / 4u;
  var at2 = (p.aOffset + p.aStride * min(row + 16u + lane, lastRow)) / 4u;
  var at3 = (p.aOffset + p.aStride * min(row + 24u + lane, lastRow)) / 4u;
  var source = vec4u((p.bOffset + firstColumn) / 4u);
  let step = p.bStride / 4u;
  if (B_ROWS == 0u) {
    source = (p.bOffset + p.bStride * (firstColumn + vec4u(0u, 1u, 2u, 3u))) / 4u;
  }
  var tile = array<vec4f, 32>();
  for (var k = 0u; k < p.k; k += 8u) {
    // k may end after 4 of the 8 steps: then the others take a as 0 and b again from the last step.
    let last = p.k - 1u - k;
    let next = min(last / 4u, 1u);
    let whole = vec4<bool>(next == 1u);
    let low0 = a[at0];
    let high0 = select(vec4f(), a[at0 + next], whole);
    at0 += 2u;
    let low1 = a[at1];
    let high1 = select(vec4f(), a[at1 + next], whole);
    at1 += 2u;
    let low2 = a[at2];
    let high2 = select(vec4f(), a[at2 + next], whole);
    at2 += 2u;
    let low3 = a[at3];
    let high3 = select(vec4f(), a[at3 + next], whole);
    at3 += 2u;
    var bLow: mat4x4f;
    var bHigh: mat4x4f;
    if (B_ROWS == 1u) {
      bLow[0] = b[source.x];
      bLow[1] = b[source.x + 1u * step];
      bLow[2] = b[source.x + 2u * step];
      bLow[3] = b[source.x + 3u * step];
      bHigh[0] = b[source.x + min(4u, last) * step];
      bHigh[1] = b[source.x + min(5u, last) * step];
      bHigh[2] = b[source.x + min(6u, last) * step];
      bHigh[3] = b[source.x + min(7u, last) * step];
      source.x += 8u * step;
    } else {
      bLow = transpose(mat4x4f(b[source.x], b[source.y], b[source.z], b[source.w]));
      bHigh = transpose(mat4x4f(b[source.x + next], b[source.y + next], b[source.z + next], b[source.w + next]));
      source += 2u;
    }
    tile[0] += bLow * subgroupBroadcast(low0, 0u) + bHigh * subgroupBroadcast(high0, 0u);
    tile[1] += bLow * subgroupBroadcast(low0, 1u) + bHigh * subgroupBroadcast(high0, 1u);
    tile[2] += bLow * subgroupBroadcast(low0, 2u) + bHigh * subgroupBroadcast(high0, 2u);
    tile[3] += bLow * subgroupBroadcast(low0, 3u) + bHigh * subgroupBroadcast(high0, 3u);
    tile[4] += bLow * subgroupBroadcast(low0, 4u) + bHigh * subgroupBroadcast(high0, 4u);
    tile[5] += bLow * subgroupBroadcast(low0, 5u) + bHigh * subgroupBroadcast(high0, 5u);
    tile[6] += bLow * subgroupBroadcast(low0, 6u) + bHigh * subgroupBroadcast(high0, 6u);
    tile[7] += bLow * subgroupBroadcast(low0, 7u) + bHigh * subgroupBroadcast(high0, 7u);
    tile[8] += bLow * subgroupBroadcast(low1, 0u) + bHigh * subgroupBroadcast(high1, 0u);
    tile[9] += bLow * subgroupBroadcast(low1, 1u) + bHigh * subgroupBroadcast(high1, 1u);
    tile[10] += bLow * subgroupBroadcast(low1, 2u) + bHigh * subgroupBroadcast(high1, 2u);
    tile[11] += bLow * subgroupBroadcast(low1, 3u) + bHigh * subgroupBroadcast(high1, 3u);
    tile[12] += bLow * subgroupBroadcast(low1, 4u) + bHigh * subgroupBroadcast(high1, 4u);
    tile[13] += bLow * subgroupBroadcast(low1, 5u) + bHigh * subgroupBroadcast(high1, 5u);
    tile[14] += bLow * subgroupBroadcast(low1, 6u) + bHigh * subgroupBroadcast(high1, 6u);
    tile[15] += bLow * subgroupBroadcast(low1, 7u) + bHigh * subgroupBroadcast(high1, 7u);
    tile[16] += bLow * subgroupBroadcast(low2, 0u) + bHigh * subgroupBroadcast(high2, 0u);
    tile[17] += bLow * subgroupBroadcast(low2, 1u) + bHigh * subgroupBroadcast(high2, 1u);
    tile[18] += bLow * subgroupBroadcast(low2, 2u) + bHigh * subgroupBroadcast(high2, 2u);
    tile[19] += bLow * subgroupBroadcast(low2, 3u) + bHigh * subgroupBroadcast(high2, 3u);
    tile[20] += bLow * subgroupBroadcast(low2, 4u) + bHigh * subgroupBroadcast(high2, 4u);
    tile[21] += bLow * subgroupBroadcast(low2, 5u) + bHigh * subgroupBroadcast(high2, 5u);
    tile[22] += bLow * subgroupBroadcast(low2, 6u) + bHigh * subgroupBroadcast(high2, 6u);
    tile[23] += bLow * subgroupBroadcast(low2, 7u) + bHigh * subgroupBroadcast(high2, 7u);
    tile[24] += bLow * subgroupBroadcast(low3, 0u) + bHigh * subgroupBroadcast(high3, 0u);
    tile[25] += bLow * subgroupBroadcast(low3, 1u) + bHigh * subgroupBroadcast(high3, 1u);
    tile[26] += bLow * subgroupBroadcast(low3, 2u) + bHigh * subgroupBroadcast(high3, 2u);
    tile[27] += bLow * subgroupBroadcast(low3, 3u) + bHigh * subgroupBroadcast(high3, 3u);
    tile[28] += bLow * subgroupBroadcast(low3, 4u) + bHigh * subgroupBroadcast(high3, 4u);
    tile[29] += bLow * subgroupBroadcast(low3, 5u) + bHigh * subgroupBroadcast(high3, 5u);
    tile[30] += bLow * subgroupBroadcast(low3, 6u) + bHigh * subgroupBroadcast(high3, 6u);
    tile[31] += bLow * subgroupBroadcast(low3, 7u) + bHigh * subgroupBroadcast(high3, 7u);
  }
  // Written so that Mesa cannot see that rows <= 32: it would unroll the loop, and compile for 2.2 s instead of 0.45.
  let rows = select(min(32u, p.m - row), 0u, row >= p.m);
  if (column < p.n) {
    for (var i = 0u; i < rows; i++) {
      let at = (p.outOffset + (row + i) * p.outStride + column) / 4u;
      var value = p.alpha * tile[i];
      if (p.accumulate != 0u) {
        value += out[at];
      }
      out[at] = value;
    }
  }
}
