// sum_squares: the sum of squares of one flat gradient in parts, one a workgroup.
//   x [count] f32 in   partials [..] f32 out, at first + workgroup
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
@group(0) @binding(1) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn sum_squares(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let run = (p.count + groups.x - 1u) / groups.x;
  let end = min(p.count, (group.x + 1u) * run);
  var sum = 0.0;
  for (var block = group.x * run + thread; block < end; block += LANES * BLOCK) {
    var part = 0.0;
    for (var i = block; i < min(end, block + LANES * BLOCK); i += LANES) {
      part = fma(x[i], x[i], part);
    }
    sum += part;
  }
  let total = row_sum(thread, sum);
  if (thread == 0u) {
    partials[p.first + group.x] = total;
  }
}
