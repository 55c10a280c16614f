// moe_sort: lays the choices of all tokens out by expert, and by token within an expert, so that each expert's rows lie together.
//   chosen [tokens, topk] u32 in; entry i is choice i % topk of token i / topk
//   rows [entries] u32 out: token of each place   places [entries] u32 out: place of each entry
//   segments [experts] vec2u out: first place of each expert, and how many it has
// One workgroup an expert; each thread counts a stretch of the entries, twice, so the order never depends on timing.
// Dispatch experts. Twin: test/reference/moe.ts
const WG: u32 = 64u;

struct Params {
  entries: u32,
  topk: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> chosen: array<u32>;
@group(0) @binding(1) var<storage, read_write> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> places: array<u32>;
@group(0) @binding(3) var<storage, read_write> segments: array<vec2u>;

// Entries of this expert, and of those before it, in each thread's stretch.
var<workgroup> counts: array<vec2u, WG>;

@compute @workgroup_size(WG)
fn moe_sort(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let expert = group.x;
  let stretch = (p.entries + WG - 1u) / WG;
  let begin = min(p.entries, thread * stretch);
  let end = min(p.entries, begin + stretch);
  var here = vec2u();
  for (var i = begin; i < end; i++) {
    here += select(vec2u(), vec2u(1u), vec2<bool>(chosen[i] == expert, chosen[i] < expert));
  }
  counts[thread] = here;
  workgroupBarrier();
  var total = vec2u();
  var earlier = 0u;
  for (var i = 0u; i < WG; i++) {
    earlier += select(0u, counts[i].x, i < thread);
    total += counts[i];
  }
  var place = total.y + earlier;
  for (var i = begin; i < end; i++) {
    if (chosen[i] == expert) {
      rows[place] = i / p.topk;
      places[i] = place;
      place++;
    }
  }
  if (thread == 0u) {
    segments[expert] = vec2u(total.y, total.x);
  }
}
