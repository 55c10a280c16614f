// silu(g) = g * sigmoid(g). Shazeer 2020, "GLU Variants Improve Transformer".
fn sigmoid(g: f32) -> f32 {
  return 1.0 / (1.0 + exp(-g));
}

// d(silu(g) * u) / dg
fn swiglu_gate_slope(g: f32, u: f32) -> f32 {
  let s = sigmoid(g);
  return u * s * (1.0 + g * (1.0 - s));
}
