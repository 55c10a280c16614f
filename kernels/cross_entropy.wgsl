// cross_entropy: loss[r] = logsumexp(logits[r]) - logits[r][target], and, when asked, logits become their own gradient:
// weight[r] * (softmax(logits[r]) - onehot(target)). A target beyond the vocabulary gives loss 0 and gradient 0.
//   logits [rows, vocab] f32 in, gradient out   targets [..] u32 in   weights [..] f32 in   loss [..] f32 out
// Row r uses element row_offset + r of targets, weights and loss. Dispatch ceil(rows / ROWS), folded over x and y.
// Sums are taken in blocks, so that 150 000 small terms beside a large one keep their digits. Twin: test/reference/cross-entropy.ts
// include: reduce
override LANES: u32 = 256u;
override ROWS: u32 = 1u;
const BLOCK: u32 = 64u;

struct Params {
  rows: u32,
  vocab: u32,
  row_offset: u32,
  gradient: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn cross_entropy(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = row < p.rows;
  let first = row * p.vocab;
  let end = select(0u, p.vocab, inside);
  var largest = -3.4e38;
  for (var c = lane; c < end; c += LANES) {
    largest = max(largest, logits[first + c]);
  }
  let top = row_max(thread, largest);
  var sum = 0.0;
  for (var block = lane; block < end; block += LANES * BLOCK) {
    var part = 0.0;
    for (var c = block; c < min(end, block + LANES * BLOCK); c += LANES) {
      part += exp(logits[first + c] - top);
    }
    sum += part;
  }
  // Read before the barriers of row_sum: after them another thread may replace it.
  var target_id = p.vocab;
  var weight = 0.0;
  var distance = 0.0;
  if (inside) {
    target_id = targets[p.row_offset + row];
    if (target_id < p.vocab) {
      weight = weights[p.row_offset + row];
      distance = top - logits[first + target_id];
    }
  }
  let total = row_sum(thread, sum);
  if (inside && lane == 0u) {
    // Not logsumexp - logit: both may be large, and their difference small.
    loss[p.row_offset + row] = select(0.0, log(total) + distance, target_id < p.vocab);
  }
  if (p.gradient == 0u) {
    return;
  }
  let scale = weight / total;
  for (var c = lane; c < end; c += LANES) {
    logits[first + c] = exp(logits[first + c] - top) * scale - select(0.0, weight, c == target_id);
  }
}
