// A dequantised weight as its checkpoint would hold it: to 0 f32, 1 bfloat16 (ties to even), 2 float16.
fn round_stored(value: vec4f, round_to: u32) -> vec4f {
  if (round_to == 1u) {
    let bits = bitcast<vec4u>(value);
    return bitcast<vec4f>((bits + vec4u(0x7fffu) + ((bits >> vec4u(16u)) & vec4u(1u))) & vec4u(0xffff0000u));
  }
  if (round_to == 2u) {
    return quantizeToF16(value);
  }
  return value;
}
