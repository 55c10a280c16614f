// matmul_sum: adds up the partial products of matmul_tile's splits, always in the same order.
//   parts [splits, m, n] f32 in   out [m, n] f32, written or added to
// Dispatch ceil(m n / 64), folded over x and y.
struct Params {
  m: u32,
  n: u32,
  splits: u32,
  outOffset: u32,
  outStride: u32,
  accumulate: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn matmul_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  let size = p.m * p.n;
  if (i >= size) {
    return;
  }
  var sum = 0.0;
  for (var split = 0u; split < p.splits; split++) {
    sum += parts[split * size + i];
  }
  let at = p.outOffset + i / p.n * p.outStride + i % p.n;
  if (p.accumulate != 0u) {
    sum += out[at];
  }
  out[at] = sum;
}
