// Into f16's range, but NaN stays NaN: clamp alone makes it 0 on some drivers.
fn clampToHalf(x: f32) -> f32 {
  let isNan = (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
  return select(clamp(x, -65504.0, 65504.0), x, isNan);
}
