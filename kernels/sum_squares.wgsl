// sum_squares: the sum of squares of one flat gradient in `gridDim` parts, and whether any element is not finite.
//   x [count] f32 in   partials [.., 2] f32 out: (sum, 1 when an element is Inf or NaN) at first + workgroup
// Dispatch any number of workgroups: each takes an equal run of elements. Fixed order, so the same bits every time.
// include: reduce
override LANES: u32 = 256u;
override ROWS: u32 = 1u;
const BLOCK: u32 = 64u;

struct Params {
  count: u32,
  first: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<vec2f>;

@compute @workgroup_size(LANES * ROWS)
fn sum_squares(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let run = (p.count + groups.x - 1u) / groups.x;
  let end = min(p.count, (group.x + 1u) * run);
  var sum = 0.0;
  var broken = 0.0;
  for (var block = group.x * run + thread; block < end; block += LANES * BLOCK) {
    var part = 0.0;
    for (var i = block; i < min(end, block + LANES * BLOCK); i += LANES) {
      let value = x[i];
      part = fma(value, value, part);
      // By bits: a comparison such as x != x is optimised away on some drivers.
      if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
        broken = 1.0;
      }
    }
    sum += part;
  }
  let total = row_sum(thread, sum);
  let any_broken = row_max(thread, broken);
  if (thread == 0u) {
    partials[p.first + group.x] = vec2f(total, any_broken);
  }
}
