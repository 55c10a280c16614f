// embed: rows of a table shard by id, x[t] = table[ids[t] - row_from]; ids outside the shard leave x[t] alone.
//   ids [tokens] u32 in   table [rows, columns] T in   x [tokens, columns] f32 out
// Dispatch ceil(tokens * columns / WG), folded over x and y.
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  tokens: u32,
  columns: u32,
  row_from: u32,
  rows: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> table: array<T>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(WG)
fn embed(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= p.tokens * p.columns) {
    return;
  }
  let id = ids[i / p.columns];
  if (id >= p.row_from && id - p.row_from < p.rows) {
    x[i] = f32(table[(id - p.row_from) * p.columns + i % p.columns]);
  }
}
