// The figures of one run as a table: ours, theirs, and the ratio.
// bun test/bench/table.ts FILE.jsonl
import { readFileSync } from "node:fs";
import { formatNumber, formatTable } from "../../src/base/format.ts";

interface Figure {
  readonly peer: string;
  readonly what: string;
  readonly [field: string]: unknown;
}

const figures = readFileSync(process.argv[2]!, "utf8")
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line) as Figure);

/** Median over the rounds of a figure's field, e.g. `off_main_cpu_ms.median`; undefined when nobody measured it. */
function median(peer: string, what: string, path: string): number | undefined {
  const values = figures
    .filter((figure) => figure.peer === peer && figure.what === what && figure.device !== "wasm")
    .map((figure) => path.split(".").reduce<unknown>((value, key) => (value as never)?.[key], figure))
    .filter((value) => typeof value === "number")
    .sort((a, b) => a - b);
  return values[values.length >> 1];
}

interface Row {
  readonly title: string;
  readonly unit: string;
  /** Peer, figure and field. */
  readonly ours: readonly [string, string];
  readonly theirs: readonly (readonly [string, string, string])[];
  /** More is better. */
  readonly rate?: boolean;
}

const step = "train_step_bench_small_lora";
const offMain = "off_main_cpu_ms.median";
const rows: Row[] = [
  {
    title: "LoRA step of bench-small",
    unit: "ms CPU",
    ours: [step, offMain],
    theirs: [
      ["jax-js", step, offMain],
      ["torch-peft", "train_step_bench-small_lora", "cpu_ms_median"],
    ],
  },
  {
    title: "first step, cold shader cache",
    unit: "ms",
    ours: ["cold_step_bench_small_lora", "first_step_ms"],
    theirs: [["jax-js", step, "first_step_ms"]],
  },
  {
    title: "first step, cold, off the main thread",
    unit: "ms CPU",
    ours: ["cold_step_bench_small_lora", "first_step_off_main_cpu_ms"],
    theirs: [],
  },
  ...["gemm_nt_1024", "gemm_nn_1024", "gemm_tn_1024"].map(
    (what): Row => ({
      title: what.replaceAll("_", " "),
      unit: "GFLOP/s",
      ours: [what, "gflops.by_off_main_cpu"],
      theirs: [["jax-js", "matmul_f32_1024", "gflops.by_off_main_cpu"]],
      rate: true,
    }),
  ),
  { title: "--help", unit: "ms", ours: ["help", "ms.median"], theirs: [] },
  {
    title: "inspect mask, 1000 trajectories",
    unit: "ms",
    ours: ["inspect_mask", "ms.median"],
    theirs: [["trl", "inspect_mask", "ms.median"]],
  },
  {
    title: "inspect mask, CPU",
    unit: "ms CPU",
    ours: ["inspect_mask", "cpu_ms.median"],
    theirs: [["trl", "inspect_mask", "cpu_ms.median"]],
  },
  {
    title: "inspect mask, peak memory",
    unit: "MB",
    ours: ["inspect_mask", "peak_mb"],
    theirs: [["trl", "inspect_mask", "peak_mb"]],
  },
  { title: "load a base", unit: "GB/s", ours: ["load", "gb_per_s"], theirs: [], rate: true },
  { title: "cat of the same files", unit: "GB/s", ours: ["load", "cat_gb_per_s"], theirs: [], rate: true },
];

const lines = rows.flatMap(({ title, unit, ours, theirs, rate }) => {
  const own = median("sekft", ...ours);
  if (own === undefined) return [];
  const others = theirs.flatMap(([peer, what, field]) => {
    const value = median(peer, what, field);
    return value === undefined ? [] : [{ peer, value }];
  });
  const first = [title, unit, formatNumber(own)];
  if (others.length === 0) return [[...first, "", "", ""]];
  return others.map(({ peer, value }, i) => [
    ...(i === 0 ? first : ["", "", ""]),
    peer,
    formatNumber(value),
    `${formatNumber(rate ? own / value : value / own)} x`,
  ]);
});
const right = { align: "right" } as const;
const columns = [{ title: "figure" }, { title: "unit" }, { title: "sekft", ...right }, { title: "peer" }];
for (const line of formatTable(
  [...columns, { title: "theirs", ...right }, { title: "better by", ...right }],
  lines,
))
  console.log(line);
