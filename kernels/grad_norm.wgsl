// grad_norm: the global gradient norm from the parts of sum_squares, and what AdamW does with it.
//   partials [count] f32 in   result [4] f32 out: norm of the unscaled gradients, clip coefficient
//   min(1, max_norm / (norm + 1e-6)) (1 when max_norm <= 0), 1 when everything is finite else 0, inverse loss scale
// Dispatch 1. torch.nn.utils.clip_grad_norm_. Twin: test/reference/adamw.ts
// include: reduce
override LANES: u32 = 256u;
override ROWS: u32 = 1u;

struct Params {
  count: u32,
  max_norm: f32,
  inverse_scale: f32,
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> partials: array<f32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES * ROWS)
fn grad_norm(@builtin(local_invocation_index) thread: u32) {
  var sum = 0.0;
  for (var i = thread; i < p.count; i += LANES) {
    sum += partials[i];
  }
  let total = row_sum(thread, sum);
  if (thread == 0u) {
    let norm = sqrt(total) * p.inverse_scale;
    // An Inf or NaN anywhere makes the sum one. By bits: a comparison such as x != x is optimised away on some drivers.
    let finite = (bitcast<u32>(norm) & 0x7f800000u) != 0x7f800000u;
    result[0] = norm;
    result[1] = select(1.0, min(1.0, p.max_norm / (norm + 1e-6)), p.max_norm > 0.0);
    result[2] = select(0.0, 1.0, finite);
    result[3] = p.inverse_scale;
  }
}
