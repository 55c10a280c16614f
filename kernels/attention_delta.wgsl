// attention_delta: delta[h][i] = sum over d of out[i][h][d] * dout[i][h][d], which the two backward kernels subtract.
//   out [tokens, heads, head_dim] T in   dout [tokens, heads, head_dim] f32 in   delta [heads, tokens] f32 out
// Dispatch ceil(tokens * heads / ROWS), folded over x and y. Dao 2023, "FlashAttention-2", algorithm 2, line 4.
// include: reduce
alias T = f32; // spec: f32 | f16
override LANES: u32 = 16u;
override ROWS: u32 = 4u;

struct Params {
  tokens: u32,
  heads: u32,
  head_dim: u32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> out: array<T>;
@group(0) @binding(1) var<storage, read> dout: array<f32>;
@group(0) @binding(2) var<storage, read_write> delta: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn attention_delta(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = (group.y * groups.x + group.x) * ROWS + thread / LANES;
  let lane = thread % LANES;
  let inside = row < p.tokens * p.heads;
  let end = select(0u, p.head_dim, inside);
  var sum = 0.0;
  for (var d = lane; d < end; d += LANES) {
    sum = fma(f32(out[row * p.head_dim + d]), dout[row * p.head_dim + d], sum);
  }
  let total = row_sum(thread, sum);
  if (inside && lane == 0u) {
    delta[row % p.heads * p.tokens + row / p.heads] = total;
  }
}
