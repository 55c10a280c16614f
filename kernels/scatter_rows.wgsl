// scatter_rows: out[index[index_offset + r]] = x[r]; other rows of out stay as they are. No index may occur twice.
//   x [rows, columns] T in   index [..] u32 in   out [.., columns] T out
// Dispatch ceil(rows * columns / WG), folded over x and y.
alias T = f32; // spec: f32 | f16
override WG: u32 = 64u;

struct Params {
  rows: u32,
  columns: u32,
  index_offset: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> x: array<T>;
@group(0) @binding(1) var<storage, read> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<T>;

@compute @workgroup_size(WG)
fn scatter_rows(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < p.rows * p.columns) {
    out[index[p.index_offset + i / p.columns] * p.columns + i % p.columns] = x[i];
  }
}
