// attention_paged_sum: joins what attention_paged left of each part of a long context.
//   parts [rows, splits, head_dim + 2] f32 in: weighted sums, maximum, denominator   out [rows, head_dim] T
// Rows are (token, head) pairs. Dispatch ceil(rows * head_dim / 64), folded over x and y. Dao et al. 2023, "Flash-Decoding".
alias T = f32; // spec: f32 | f16

struct Params {
  rows: u32,
  splits: u32,
  head_dim: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> parts: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<T>;

@compute @workgroup_size(64)
fn attention_paged_sum(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.y * groups.x + group.x) * 64u + lane;
  if (i >= p.rows * p.head_dim) {
    return;
  }
  let d = i % p.head_dim;
  let width = p.head_dim + 2u;
  let first = i / p.head_dim * p.splits * width;
  var top = -1e30;
  for (var s = 0u; s < p.splits; s++) {
    top = max(top, parts[first + s * width + p.head_dim]);
  }
  var value = 0.0;
  var sum = 0.0;
  for (var s = 0u; s < p.splits; s++) {
    let at = first + s * width;
    // A part without keys has the denominator 0, and sums of 0.
    let weight = exp(parts[at + p.head_dim] - top);
    value += weight * parts[at + d];
    sum += weight * parts[at + p.head_dim + 1u];
  }
  out[i] = T(value / sum);
}
