// The matrix unit kernel without matrix units: the same text with each matrix operation replaced by loops over workgroup memory,
// so that every index and barrier of it runs on any adapter. test/kernels compiles the real one.
import { afterAll, expect, setDefaultTimeout } from "bun:test";
import { kernels } from "../../kernels/index.ts";
import type { Stream } from "../../src/gpu/stream.ts";
import { matmulMatrix, suitsMatrixUnits } from "../../src/ops/matmul-matrix.ts";
import { type Matmul, type MatmulTensors, planned } from "../../src/ops/matmul-plan.ts";
import { testDevice } from "../gpu.ts";
import { matmulReference } from "../reference/matmul.ts";
import { expectProduct, type ProductCase } from "./matmul-cases.ts";
import { Bench, expectClose, noise, rounded } from "./op-harness.ts";

// Software drivers compile a kernel for seconds where the machine is busy.
setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice({ tier: "f16" });

// A matrix operand is where it lies; a sum is a slot in memory of the lanes. Loop bounds depend on a parameter, lest Mesa unroll.
const stand = `
struct Operand { at: u32, line: u32, rowMajor: bool }
var<private> sums: array<f32, 512>;
var<private> myLane: u32;
var<private> mySize: u32;
fn operand(at: u32, line: u32, rowMajor: bool) -> Operand { return Operand(4u * at, 4u * line, rowMajor); }
fn place(o: Operand, i: u32, j: u32) -> u32 { return o.at + select(j * o.line + i, i * o.line + j, o.rowMajor); }
fn multiplied(x: Operand, y: Operand, slot: u32) -> u32 {
  for (var q = 0u; q < 256u / mySize + p.m / 65536u; q++) {
    let e = q * mySize + myLane;
    var sum = sums[slot * 64u + q];
    for (var k = 0u; k < 16u + p.m / 65536u; k++) {
      let xi = place(x, e / 16u, k);
      let yi = place(y, k, e % 16u);
      sum += f32(sliceA[xi / 4u][xi % 4u]) * f32(sliceB[yi / 4u][yi % 4u]);
    }
    sums[slot * 64u + q] = sum;
  }
  return slot;
}
fn stored(at: u32, slot: u32, line: u32) {
  for (var q = 0u; q < 256u / mySize + p.m / 65536u; q++) {
    let e = q * mySize + myLane;
    results[at + e / 16u * line + e % 16u / 4u][e % 4u] = sums[slot * 64u + q];
  }
}
`;

// Mesa takes minutes for eight copies of the epilogue's barriers: one copy in a loop, with each call's own arguments.
function looped(text: string): string {
  const calls = [...text.matchAll(/^ *finish\((c\d\d), subgroup, lane, size, (.*), (.*)\);$/gm)];
  expect(calls.length).toBe(8);
  const cases = calls.map(
    ([, sum, row, column], i) => `case ${i}u: { slot = ${sum}; row = ${row}; column = ${column}; }`,
  );
  return text.replaceAll(/^ *finish\(.*\);\n/gm, "").replace(
    /\}\n*$/,
    `for (var i = 0u; i < 8u + p.m / 65536u; i++) {
        var slot = 0u; var row = 0u; var column = 0u;
        switch i { ${cases.join(" ")} default: {} }
        finish(slot, subgroup, lane, size, row, column);
      } }`,
  );
}

function twin(source: string, lanes: number): string {
  const text = looped(source)
    .replace("enable chromium_experimental_subgroup_matrix;", "")
    .replace("const LANES: u32 = 32u;", `const LANES: u32 = ${lanes}u;`)
    .replace("half < 2u;", "half < 2u + p.m / 65536u;")
    .replace(/alias (Left|Right) = .*;/g, "alias $1 = Operand;")
    .replace(/alias Sum = .*;/, "alias Sum = u32;")
    .replace(
      /var c(\d)(\d): Sum;/g,
      (_, row, column) => `var c${row}${column} = ${2 * Number(row) + Number(column)}u;`,
    )
    .replace(
      /subgroupMatrixLoad<(?:Left|Right), (row|col)_major>\(&slice[AB], (.*)\);/g,
      (_, major, place) => `operand(${place}, ${major === "row"});`,
    )
    .replace(/subgroupMatrixMultiplyAccumulate/g, "multiplied")
    .replace(/subgroupMatrixStore<row_major>\(&results, /g, "stored(")
    .replace("fn matmul_matrix(", "fn matmul_matrix_twin(")
    .replace("let firstRow = group.y", "myLane = lane; mySize = size; let firstRow = group.y");
  return text + stand;
}

const name = "matmul_matrix_twin";
(kernels as Record<string, string>)[name] = twin(kernels.matmul_matrix!, device.facts?.subgroupMax ?? 32);
// Other files look at all kernels that there are.
afterAll(() => {
  delete (kernels as Record<string, string>)[name];
});

const cases: (ProductCase & { types?: string })[] = [
  { mode: "nt", m: 128, n: 128, k: 32 },
  { mode: "nt", m: 129, n: 132, k: 68, pad: 4, offset: 8, extraK: 16, accumulate: true },
  { mode: "nn", m: 70, n: 196, k: 36, pad: 8, offset: 4, extraK: 4 },
  { mode: "tn", m: 132, n: 64, k: 37 * 4, alpha: -0.3, accumulate: true },
];

gpuTest("the matrix unit kernel addresses what it should, in every layout", async () => {
  expect(kernels[name]).not.toContain("subgroupMatrix");
  const multiply = (stream: Stream, tensors: MatmulTensors, product: Matmul) => {
    expect(suitsMatrixUnits({ ...device.facts, subgroupMax: 32 }, planned(product))).toBe(true);
    matmulMatrix(stream, tensors, planned(product), name);
  };
  for (const c of cases) await expectProduct(device, { ...c, halves: true }, multiply);
  const types = { aType: "f32", bType: "f16", outType: "f16", halves: true } as const;
  await expectProduct(device, { mode: "nn", m: 65, n: 68, k: 40, ...types }, multiply);
});

gpuTest("the matrix unit kernel keeps to the rows, or the steps, of a segment", async () => {
  const [n, k, stored] = [72, 40, 300];
  const spans = [
    [3, 130],
    [133, 0],
    [150, 67],
  ] as const;
  for (const mode of ["nt", "nn", "tn"] as const)
    for (const [segment, [first, rows]] of spans.entries()) {
      const m = mode === "tn" ? 68 : 132;
      const a = rounded(noise(1, stored * Math.max(m, k)), "f16");
      const b = rounded(noise(2, stored * n), "f16");
      const before = noise(3, stored * n);
      await using bench = new Bench(device);
      const out = bench.inOut(before);
      const segments = bench.words(spans.flat());
      const t = { a: bench.input(a, "f16"), b: bench.input(b, "f16"), out, segments };
      const product = { mode, m, n, k: mode === "tn" ? 132 : k, segment, accumulate: true };
      bench.run((stream) => matmulMatrix(stream, t, planned(product), name));
      const meant =
        mode === "tn"
          ? { m, n, k: rows, aOffset: first * m, bOffset: first * n }
          : { m: rows, n, k, aOffset: first * k, outOffset: first * n };
      const operands = { a, b, out: before, extraA: [], extraB: [] };
      const expected = matmulReference(operands, planned({ mode, ...meant, accumulate: true })).out;
      expectClose("out", await bench.read(out), expected, { absolute: 5e-5 });
    }
});

gpuTest("leaves to register tiles what the matrix unit kernel cannot take", () => {
  const facts = { ...device.facts, subgroupMax: 32 };
  const takes = (product: Matmul) => suitsMatrixUnits(facts, planned(product));
  expect(takes({ mode: "nt", m: 100, n: 128, k: 64 })).toBe(true);
  expect(takes({ mode: "nt", m: 16, n: 128, k: 64 })).toBe(false);
  expect(takes({ mode: "tn", m: 101, n: 128, k: 64 })).toBe(false);
  expect(takes({ mode: "nt", m: 100, n: 126, k: 64 })).toBe(false);
  expect(takes({ mode: "nt", m: 100, n: 128, k: 64, aStride: 65 })).toBe(false);
  expect(takes({ mode: "nt", m: 100, n: 128, k: 64, alpha: 2, extraK: 8 })).toBe(false);
  expect(
    suitsMatrixUnits({ ...facts, subgroupMax: 64 }, planned({ mode: "nt", m: 100, n: 128, k: 64 })),
  ).toBe(false);
});
