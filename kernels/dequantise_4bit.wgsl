// dequantise_4bit: out[i] = table[code i] absmax[i / block], the product in f32 and then rounded once: NF4, FP4 or any 16 values.
//   packed [ceil(count / 8)] u32, bytes as stored: element i is the high nibble of byte i / 2 for even i, the low one for odd i
//   absmax [ceil(count / block)] f32   table [16] f32   out [count] O; block is a multiple of 8
// SEGMENTED: nothing happens when segment p.segment has no rows.
// Dispatch ceil(count / 512), folded over x and y. Dettmers et al. 2023; layout of bitsandbytes.
// include: clamp_to_half, four_bit_select, round_stored
alias O = f32; // spec: f32 | f16
// 1: find a code's value by four rounds of select, for CPU adapters; 0: by a table in workgroup memory.
const SELECTS: u32 = 0u; // spec: 0 | 1
const SEGMENTED: u32 = 0u; // spec: 0 | 1

struct Params {
  count: u32,
  segment: u32,
  block: u32,
  round_to: u32, // what the product is rounded to before it is stored: 0 f32, 1 bfloat16, 2 float16
}
var<immediate> p: Params;

@group(0) @binding(0) var<storage, read> packed: array<u32>;
@group(0) @binding(1) var<storage, read> absmax: array<f32>;
@group(0) @binding(2) var<storage, read> values: array<vec4f, 4>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<O>>;
@group(0) @binding(4) var<storage, read> segments: array<vec2u>;

// O is f16 when it cannot hold 2049.
const IS_HALF: bool = f32(O(2049.0)) != 2049.0;

var<workgroup> held: array<f32, 16>;

fn store(at: u32, value: vec4f) {
  if (4u * at >= p.count) {
    return;
  }
  var kept = round_stored(value, p.round_to);
  if (IS_HALF) {
    kept = vec4f(clampToHalf(kept.x), clampToHalf(kept.y), clampToHalf(kept.z), clampToHalf(kept.w));
  }
  var rounded = vec4<O>(kept);
  let left = p.count - 4u * at;
  if (left < 4u) {
    rounded = select(out[at], rounded, vec4u(0u, 1u, 2u, 3u) < vec4u(left));
  }
  out[at] = rounded;
}

@compute @workgroup_size(64)
fn dequantise_4bit(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  if (SEGMENTED == 1u && segments[p.segment].y == 0u) {
    return;
  }
  let word = (group.y * groups.x + group.x) * 64u + lane;
  if (SELECTS == 0u) {
    if (lane < 16u) {
      held[lane] = values[lane / 4u][lane % 4u];
    }
    workgroupBarrier();
  }
  if (8u * word >= p.count) {
    return;
  }
  let bits = packed[word];
  let scale = absmax[8u * word / p.block];
  let codes0 = four_bit_low(bits);
  let codes1 = four_bit_high(bits);
  if (SELECTS == 1u) {
    let v0 = values[0];
    let v1 = values[1];
    let v2 = values[2];
    let v3 = values[3];
    store(2u * word, scale * four_bit_select(codes0, v0, v1, v2, v3));
    store(2u * word + 1u, scale * four_bit_select(codes1, v0, v1, v2, v3));
  } else {
    store(2u * word, scale * vec4f(held[codes0.x], held[codes0.y], held[codes0.z], held[codes0.w]));
    store(2u * word + 1u, scale * vec4f(held[codes1.x], held[codes1.y], held[codes1.z], held[codes1.w]));
  }
}
