// fma_peak: nothing but multiply-adds in registers, to learn what the device can do at most; `sekft doctor --bench` alone uses it.
//   x [n] T in and out: start values in, their sums out, so that nothing can be left out
// Each thread does LOOPS x 8 x 12 multiply-adds: twelve independent chains hide the latency and still fit the registers.
// Dispatch n / WG, one workgroup per WG elements.
alias T = f32; // spec: f32 | vec2<f16>
const LOOPS: u32 = 256u;
override WG: u32 = 64u;

@group(0) @binding(0) var<storage, read_write> x: array<T>;

@compute @workgroup_size(WG)
fn fma_peak(@builtin(global_invocation_id) id: vec3u) {
  let start = x[id.x];
  let a = T(0.9);
  let b = T(0.001);
  var s0 = start;
  var s1 = start + T(1);
  var s2 = start + T(2);
  var s3 = start + T(3);
  var s4 = start + T(4);
  var s5 = start + T(5);
  var s6 = start + T(6);
  var s7 = start + T(7);
  var s8 = start + T(8);
  var s9 = start + T(9);
  var s10 = start + T(10);
  var s11 = start + T(11);
  for (var i = 0u; i < LOOPS; i++) {
    for (var j = 0u; j < 8u; j++) {
      s0 = fma(s0, a, b);
      s1 = fma(s1, a, b);
      s2 = fma(s2, a, b);
      s3 = fma(s3, a, b);
      s4 = fma(s4, a, b);
      s5 = fma(s5, a, b);
      s6 = fma(s6, a, b);
      s7 = fma(s7, a, b);
      s8 = fma(s8, a, b);
      s9 = fma(s9, a, b);
      s10 = fma(s10, a, b);
      s11 = fma(s11, a, b);
    }
  }
  x[id.x] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11;
}
