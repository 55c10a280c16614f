// `sekft inspect model`: what a base is and what it weighs, from its headers.

import { defineCommand, type Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import type { ModelConfig } from "../formats/config.ts";
import type { BaseDescription, WeightSum } from "../formats/describe-base.ts";

export const inspectModel = defineCommand({
  name: "inspect model",
  summary: "Shows a base model's architecture, shapes, types and size",
  description:
    "Reads headers only, unless --check or --fingerprint is given. The base is a Hugging Face directory (plain or quantised " +
    "by bitsandbytes) or a GGUF file.",
  options: {
    base: { type: "string", value: "DIR|FILE", help: "model directory or GGUF file" },
    check: { type: "flag", help: "read every weight and refuse NaN and infinity" },
    fingerprint: { type: "flag", help: "print the hash that a resumed run compares" },
  },
  examples: [
    { line: "sekft inspect model --base ./SmolLM2-135M-Instruct", does: "shows what the directory holds" },
    {
      line: "sekft inspect model --base ./model.gguf --check --json",
      does: "reads all weights, tells a program about them",
    },
  ],
  async run(options, terminal) {
    if (options.base === undefined)
      throw new UserError("inspect model: expected --base DIR or FILE, got nothing", {
        hint: "name a model directory or a GGUF file",
      });
    const { openBase } = await import("../formats/base-weights.ts");
    const { describeBase } = await import("../formats/describe-base.ts");
    using base = openBase(options.base);
    const description = describeBase(base);
    const check = options.check ? readAll(base) : undefined;
    const fingerprint = options.fingerprint ? base.fingerprint() : undefined;
    if (terminal.json) {
      const { raw: _, ...config } = base.config;
      const tensors = [...base.tensors.values()];
      const { ignored, kind, path } = base;
      terminal.out(
        JSON.stringify({ path, kind, config, ...description, tensors, ignored, check, fingerprint }),
      );
      return;
    }
    await print(base, description, terminal);
    if (check !== undefined)
      terminal.out(`check         every weight is finite (read in ${check.seconds.toFixed(2)} s)`);
    if (fingerprint !== undefined) terminal.out(`fingerprint   ${fingerprint}`);
  },
});

/** Rows read at a time hold about this many values. */
const valuesAtOnce = 1 << 22;

function readAll(base: BaseWeights): { bytes: number; seconds: number } {
  const start = performance.now();
  let buffer = new Float32Array(valuesAtOnce);
  let bytes = 0;
  for (const { name, shape, bytes: stored } of base.tensors.values()) {
    const columns = shape.slice(1).reduce((product, n) => product * n, 1);
    if (columns > buffer.length) buffer = new Float32Array(columns);
    const step = Math.floor(buffer.length / columns);
    for (let row = 0; row < shape[0]!; row += step)
      base.readF32(name, row, Math.min(row + step, shape[0]!), buffer, { checkFinite: true });
    bytes += stored;
  }
  return { bytes, seconds: (performance.now() - start) / 1000 };
}

async function print(base: BaseWeights, description: BaseDescription, terminal: Terminal): Promise<void> {
  const { formatBytes, formatCount, formatTable } = await import("../base/format.ts");
  const { config } = base;
  const line = (title: string, value: string) => terminal.out(`${title.padEnd(13)} ${value}`);
  line("base", `${base.path} (${base.kind === "hf" ? "Hugging Face directory" : "GGUF file"})`);
  line("architecture", architectureLine(config));
  line("rotation", ropeLine(config));
  line("attention", windowLine(config));
  line("extras", extrasLine(config));
  line("quantisation", quantizationLine(config, description));
  line("tokenizer", description.tokenizer ?? "none");
  line("chat template", description.chatTemplate ?? "none");
  if (base.ignored.length > 0) line("not used", base.ignored.join(", "));
  terminal.out("");
  const right = { align: "right" } as const;
  const weights = (name: string, sum: WeightSum) => [
    name,
    formatCount(sum.tensors),
    formatCount(sum.parameters),
    formatBytes(sum.bytes),
    sum.types.join(" "),
  ];
  const rows = Object.entries(description.classes).map(([name, sum]) => weights(name, sum));
  const heads = [{ title: "class" }, { title: "tensors", ...right }, { title: "parameters", ...right }];
  for (const row of formatTable(
    [...heads, { title: "stored", ...right }, { title: "types" }],
    [...rows, weights("total", description.total)],
    terminal.columns,
  ))
    terminal.out(row);
  terminal.out("");
  for (const row of formatTable(
    [{ title: "tensor" }, { title: "shape" }, { title: "count", ...right }, { title: "types" }],
    description.roles.map(({ role, shape, count, types }) => [
      role,
      `[${shape.join(", ")}]`,
      String(count),
      types.join(" "),
    ]),
    terminal.columns,
  ))
    terminal.out(row);
}

function architectureLine(config: ModelConfig): string {
  const { modelType, layers, hiddenSize, heads, kvHeads, headDim, ffn, moe, vocab } = config;
  const experts = moe ? `, ${moe.experts} experts of which ${moe.topk} a token` : "";
  return `${modelType}: ${layers} layers, hidden ${hiddenSize}, ${heads} heads of ${headDim}, ${kvHeads} kv heads, ffn ${ffn}${experts}, vocab ${vocab}`;
}

function ropeLine({ ropeTheta, ropeScaling, maxPositionEmbeddings }: ModelConfig): string {
  const scaling =
    ropeScaling === undefined
      ? ""
      : ropeScaling.type === "linear"
        ? `, linear scaling ${ropeScaling.factor}`
        : `, llama3 scaling ${ropeScaling.factor} from ${ropeScaling.originalMaxPosition} tokens`;
  return `theta ${ropeTheta}${scaling}, ${maxPositionEmbeddings} positions`;
}

function windowLine({ slidingWindow, layers }: ModelConfig): string {
  const windowed = slidingWindow.filter((window) => window !== undefined);
  return windowed.length === 0
    ? "full"
    : `window of ${windowed[0]} tokens in ${windowed.length} of ${layers} layers`;
}

function extrasLine({ tieWordEmbeddings, attentionBias, mlpBias, qkNorm, rmsNormEps }: ModelConfig): string {
  const biased = Object.entries(attentionBias).flatMap(([name, has]) => (has ? [name] : []));
  return [
    tieWordEmbeddings ? "tied embeddings" : "untied embeddings",
    ...(biased.length > 0 ? [`biases on ${biased.join(" ")}`] : []),
    ...(mlpBias ? ["biases in the mlp"] : []),
    ...(qkNorm ? ["norms on q and k"] : []),
    `rms eps ${rmsNormEps}`,
  ].join(", ");
}

function quantizationLine({ quantization }: ModelConfig, { total }: BaseDescription): string {
  if (quantization !== undefined)
    return `bitsandbytes ${quantization.quantType}${quantization.doubleQuant ? ", double quantisation" : ""}, blocks of ${quantization.blocksize}`;
  const packed = total.types.filter((type) => !["F32", "F16", "BF16"].includes(type));
  return packed.length === 0 ? "none" : packed.join(" ");
}
