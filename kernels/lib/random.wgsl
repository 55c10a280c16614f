// Counter-based random bits: a pure function of (seed, salt, index), the same on every device.
// First word of pcg3d of Jarzynski & Olano, "Hash Functions for GPU Rendering", JCGT 9(3), 2020. Twin: test/reference/random.ts
fn random_bits(seed: u32, salt: u32, index: u32) -> u32 {
  var v = vec3u(index, salt, seed) * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v ^= v >> vec3u(16u);
  return v.x + v.y * v.z;
}
