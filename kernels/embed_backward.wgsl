// embed_backward: gradient of a shard of the embedding, dtable[id - row_from] += sum of dx[t] over the tokens t of that id.
//   ids [tokens] u32 in   order [tokens] u32 in: tokens sorted by id   starts [distinct + 1] u32 in: where each id's tokens begin
//   dx [tokens, columns] f32 in   dtable [rows, columns] f32 in and out
// Dispatch ceil(distinct * columns / WG), folded over x and y. Each id's tokens are summed in their order, in blocks: no atomics.
override WG: u32 = 64u;
const BLOCK: u32 = 64u;

struct Params {
  distinct: u32,
  columns: u32,
  row_from: u32,
  rows: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> ids: array<u32>;
@group(0) @binding(1) var<storage, read> order: array<u32>;
@group(0) @binding(2) var<storage, read> starts: array<u32>;
@group(0) @binding(3) var<storage, read> dx: array<f32>;
@group(0) @binding(4) var<storage, read_write> dtable: array<f32>;

@compute @workgroup_size(WG)
fn embed_backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= p.distinct * p.columns) {
    return;
  }
  let first = starts[i / p.columns];
  let end = starts[i / p.columns + 1u];
  let column = i % p.columns;
  let id = ids[order[first]];
  if (id < p.row_from || id - p.row_from >= p.rows) {
    return;
  }
  var sum = 0.0;
  for (var block = first; block < end; block += BLOCK) {
    var part = 0.0;
    for (var s = block; s < min(end, block + BLOCK); s++) {
      part += dx[order[s] * p.columns + column];
    }
    sum += part;
  }
  dtable[(id - p.row_from) * p.columns + column] += sum;
}
