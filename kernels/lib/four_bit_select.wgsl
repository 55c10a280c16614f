// The values of 4-bit codes by four rounds of select: on CPU adapters cheaper than a table. Codes lie as bitsandbytes packs them:
// element i of a word in the high nibble of byte i / 2 for even i, in the low one for odd i.
fn four_bit_low(word: u32) -> vec4u {
  return (vec4u(word) >> vec4u(4u, 0u, 12u, 8u)) & vec4u(15u);
}

fn four_bit_high(word: u32) -> vec4u {
  return (vec4u(word) >> vec4u(20u, 16u, 28u, 24u)) & vec4u(15u);
}

fn four_bit_select(code: vec4u, v0: vec4f, v1: vec4f, v2: vec4f, v3: vec4f) -> vec4f {
  let bit0 = (code & vec4u(1u)) != vec4u();
  let bit1 = (code & vec4u(2u)) != vec4u();
  let bit2 = (code & vec4u(4u)) != vec4u();
  let bit3 = (code & vec4u(8u)) != vec4u();
  let low0 = select(select(vec4f(v0.x), vec4f(v0.y), bit0), select(vec4f(v0.z), vec4f(v0.w), bit0), bit1);
  let low1 = select(select(vec4f(v1.x), vec4f(v1.y), bit0), select(vec4f(v1.z), vec4f(v1.w), bit0), bit1);
  let low2 = select(select(vec4f(v2.x), vec4f(v2.y), bit0), select(vec4f(v2.z), vec4f(v2.w), bit0), bit1);
  let low3 = select(select(vec4f(v3.x), vec4f(v3.y), bit0), select(vec4f(v3.z), vec4f(v3.w), bit0), bit1);
  return select(select(low0, low1, bit2), select(low2, low3, bit2), bit3);
}
