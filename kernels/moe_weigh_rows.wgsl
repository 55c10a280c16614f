// moe_weigh_rows: each expert's rows times their weights, in place: x[places[i]] *= weights[i].
//   x [entries, columns] f32 in and out   places [entries] u32 in, each row once   weights [entries] f32 in
// Dispatch ceil(entries * columns / WG), folded over x and y. Twin: test/ops/moe.test.ts
override WG: u32 = 64u;

struct Params {
  entries: u32,
  columns: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> places: array<u32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WG)
fn moe_weigh_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.entries * p.columns) {
    let entry = i / p.columns;
    x[places[entry] * p.columns + i % p.columns] *= weights[entry];
  }
}
