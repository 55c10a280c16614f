// Element types of tensors as files store them, and their conversion to and from f32. Little-endian, as every target is.

/** Bytes of one element, by safetensors' name of the type and in its order, which files are sorted by (safetensors 0.8 `Dtype`; the packed 4 and 6-bit ones are not read). */
export const dtypeBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  F8_E8M0: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};

/** Types that are read as weights without dequantisation. */
export type FloatType = "F32" | "F16" | "BF16";
export function isFloatType(dtype: string): dtype is FloatType {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

let halfTable: Float32Array | undefined;

/** f32 value of each of the 65536 f16 bit patterns; a table is three times as fast as Float16Array (Bun 1.4, x64). */
function halfToFloat(): Float32Array {
  if (halfTable === undefined) {
    const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
    halfTable = Float32Array.from(new Float16Array(bits.buffer));
  }
  return halfTable;
}

/** Widens `count` f16 values. `from` has them as bits. */
export function widenF16(from: Uint16Array, into: Float32Array, count: number): void {
  const table = halfToFloat();
  for (let i = 0; i < count; i++) into[i] = table[from[i]!]!;
}

/** Widens `count` bf16 values by shifting them into the upper half; two at a time. `from` starts at a multiple of 4 bytes. */
export function widenBF16(from: Uint16Array, into: Float32Array, count: number): void {
  const pairs = new Uint32Array(from.buffer, from.byteOffset, count >> 1);
  const bits = new Uint32Array(into.buffer, into.byteOffset, count);
  for (let i = 0, j = 0; i < pairs.length; i++, j += 2) {
    const pair = pairs[i]!;
    bits[j] = pair << 16;
    bits[j + 1] = pair & 0xffff0000;
  }
  if (count % 2 === 1) bits[count - 1] = from[count - 1]! << 16;
}

const scalar = new Float32Array(1);
const scalarBits = new Uint32Array(scalar.buffer);

/** Rounds every value to the nearest one that `type` can hold (ties to even), in place; F32 changes nothing. */
export function roundTo(type: FloatType, values: Float32Array): void {
  if (type === "F16") values.set(Float32Array.from(Float16Array.from(values)));
  if (type !== "BF16") return;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i++) {
    const x = bits[i]!;
    // A NaN keeps its upper half; rounding it could carry into the sign.
    bits[i] =
      (x & 0x7fffffff) > 0x7f800000
        ? (x | 0x400000) & 0xffff0000
        : (x + 0x7fff + ((x >>> 16) & 1)) & 0xffff0000;
  }
}

/** f32 value of one bf16 or f16 bit pattern. */
export function widenOne(type: "F16" | "BF16", bits: number): number {
  if (type === "F16") return halfToFloat()[bits]!;
  scalarBits[0] = bits << 16;
  return scalar[0]!;
}

/** True when no value is NaN or infinite. x * 0 is NaN for exactly those; four sums keep the adder busy. */
export function allFinite(values: Float32Array): boolean {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  const whole = values.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += values[i]! * 0;
    b += values[i + 1]! * 0;
    c += values[i + 2]! * 0;
    d += values[i + 3]! * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i]! * 0;
  return a + b + c + d === 0;
}

/** Exponent bits of a 32-bit word, and what carries out of them when all are set. */
const exponents: Readonly<Record<FloatType, readonly [mask: number, carry: number]>> = {
  F32: [0x7f800000, 0x00800000],
  F16: [0x7c007c00, 0x04000400],
  BF16: [0x7f807f80, 0x00800080],
};

/** As {@link allFinite}, for values as they are stored; two at a time where they are half as wide. Any alignment, whole values. */
export function allFiniteStored(type: FloatType, bytes: Uint8Array): boolean {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
  const [mask, carry] = exponents[type];
  let carried = 0;
  for (let i = 0; i < words.length; i++) carried |= (words[i]! & mask) + carry;
  if (aligned.byteLength % 4 === 2)
    carried |= ((aligned.at(-2)! | (aligned.at(-1)! << 8)) & mask) + (carry & 0xffff);
  return type === "F32" ? carried >= 0 : (carried & 0x80008000) === 0;
}
