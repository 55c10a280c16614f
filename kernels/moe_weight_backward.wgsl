// moe_weight_backward: gradient of each expert's weight, and of its inner values. The output is weight (h W^T); with dh = dy W given
// without the weight, the weight's gradient is dy (h W^T)^T = dh h^T, so that no expert's output need be kept or made again.
//   dh [entries, columns] f32 in and out, times its weight afterwards   h [entries, columns] T in
//   places, weights, dweights [entries]; entry i's values are row places[i]
// Dispatch ceil(entries / ROWS), folded over x and y. Twin: test/reference/moe.ts
// include: reduce
alias T = f32; // spec: f32 | f16
override LANES: u32 = 64u;
override ROWS: u32 = 1u;

struct Params {
  entries: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> h: array<T>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> dh: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweights: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn moe_weight_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let entry = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = entry < p.entries;
  let safe = min(entry, p.entries - 1u);
  let first = places[safe] * p.columns;
  let weight = weights[safe];
  let end = select(0u, p.columns, inside);
  var sum = 0.0;
  for (var c = lane; c < end; c += LANES) {
    let value = dh[first + c];
    sum = fma(value, f32(h[first + c]), sum);
    dh[first + c] = weight * value;
  }
  let total = row_sum(thread, sum);
  if (inside && lane == 0u) {
    dweights[entry] = total;
  }
}
