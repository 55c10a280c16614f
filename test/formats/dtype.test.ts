import { describe, expect, test } from "bun:test";
import {
  allFinite,
  allFiniteStored,
  type FloatType,
  roundTo,
  widenBF16,
  widenF16,
} from "../../src/formats/dtype.ts";

describe("every 16-bit pattern", () => {
  const bits = Uint16Array.from({ length: 0x10000 }, (_, i) => i);
  test("of f16 widens to its value by the definition of IEEE 754", () => {
    const values = new Float32Array(0x10000);
    widenF16(bits, values, values.length);
    for (const [pattern, value] of values.entries()) {
      const [sign, exponent, fraction] = [pattern >> 15 ? -1 : 1, (pattern >> 10) & 31, pattern & 1023];
      const finite = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
      const expected = exponent < 31 ? finite : fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
      if (!Object.is(value, sign * expected))
        throw new Error(`${pattern}: expected ${sign * expected}, got ${value}`);
    }
  });
  test("of bf16 is the upper half of its f32, also for odd counts", () => {
    const values = new Float32Array(0xffff);
    widenBF16(bits, values, values.length);
    expect(new Uint32Array(values.buffer).every((word, i) => word === i * 65536)).toBe(true);
  });
});

test("rounding to bf16 is to nearest, ties to even, and keeps NaN", () => {
  const words = Uint32Array.of(
    0x3f808000,
    0x3f818000,
    0x3f808001,
    0x3f807fff,
    0x7f7fffff,
    0xff800001,
    0x80000001,
  );
  roundTo("BF16", new Float32Array(words.buffer));
  expect([...words].map((word) => word.toString(16))).toEqual([
    "3f800000",
    "3f820000",
    "3f810000",
    "3f800000",
    "7f800000",
    "ffc00000",
    "80000000",
  ]);
});

describe("one bad value among good ones is found anywhere", () => {
  const bad: [FloatType, number, number[]][] = [
    ["F32", 4, [0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001]],
    ["F16", 2, [0x7c00, 0xfc00, 0x7e00, 0xfc01]],
    ["BF16", 2, [0x7f80, 0xff80, 0x7fc0, 0xff81]],
  ];
  for (const [type, width, patterns] of bad)
    test(type, () => {
      // Every other exponent is finite.
      const largest = { F32: 0xff7fffff, F16: 0xfbff, BF16: 0xff7f }[type];
      for (const count of [1, 2, 7, 8])
        for (let at = 0; at < count; at++) {
          const view = new DataView(new ArrayBuffer(count * width + 1), 1);
          const put = (i: number, x: number) =>
            width === 4 ? view.setUint32(i * 4, x, true) : view.setUint16(i * 2, x, true);
          for (let i = 0; i < count; i++) put(i, largest);
          const bytes = new Uint8Array(view.buffer, 1);
          expect(allFiniteStored(type, bytes)).toBe(true);
          expect(allFiniteStored(type, bytes.slice())).toBe(true);
          for (const pattern of patterns) {
            put(at, pattern);
            expect(allFiniteStored(type, bytes)).toBe(false);
            expect(allFiniteStored(type, bytes.slice())).toBe(false);
            if (type === "F32") expect(allFinite(new Float32Array(bytes.slice().buffer))).toBe(false);
          }
        }
    });
});
