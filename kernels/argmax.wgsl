// argmax: the likeliest token of each row of logits, its log probability, and the next step's input.
//   logits [rows, stride] f32 in, the first `vocab` of each row count   result [steps, capacity] out: id, bits of log p(id)
//   ids [rows] u32 out: the id   positions [rows] in and out: position, row of the page table; the position grows by `advance`
// The lowest id wins a tie. Log p is not a number where a logit is not. Dispatch (rows).
// include: reduce
override LANES: u32 = 64u;
override ROWS: u32 = 1u;

struct Params {
  stride: u32,
  vocab: u32,
  first: u32, // row of logits, ids and positions of workgroup 0
  at: u32, // element of result of workgroup 0
  advance: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> ids: array<u32>;
@group(0) @binding(3) var<storage, read_write> positions: array<vec2u>;

@compute @workgroup_size(LANES * ROWS)
fn argmax(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = p.first + group.x;
  let start = row * p.stride;
  var best = -3.4e38;
  var index = p.vocab;
  var broken = 0.0;
  for (var i = thread; i < p.vocab; i += LANES) {
    let value = logits[start + i];
    if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
      broken = 1.0;
    }
    if (value > best) {
      best = value;
      index = i;
    }
  }
  let top = row_max(thread, best);
  var sum = 0.0;
  for (var i = thread; i < p.vocab; i += LANES) {
    sum += exp(logits[start + i] - top);
  }
  let total = row_sum(thread, sum);
  let any_broken = row_max(thread, broken);
  // Ids are below 2^24, so f32 holds them.
  let lowest = -row_max(thread, -f32(select(p.vocab, index, best == top)));
  if (thread == 0u) {
    let id = min(u32(lowest), p.vocab - 1u);
    var bits = bitcast<u32>(-log(total));
    if (any_broken > 0.0) {
      bits = 0x7fc00000u;
    }
    result[p.at + group.x] = vec2u(id, bits);
    if (p.advance > 0u) {
      ids[row] = id;
      positions[row].x += p.advance;
    }
  }
}
