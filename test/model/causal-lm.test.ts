import { expect } from "bun:test";
import { Device } from "../../src/gpu/device.ts";
import { makeBatch } from "../../src/model/batch.ts";
import type { CausalLM } from "../../src/model/causal-lm.ts";
import { testDevice } from "../gpu.ts";
import { golden, goldenSequences, goldenTensors, loadGolden, sum, worst } from "./goldens.ts";

const { device, gpuTest } = await testDevice();

/** Bounds of the column "Hold" in the fixtures' README. */
const hold = { logits: 2e-4, hidden: 2e-4, loss: 2e-6, gradient: 5e-5 };

interface SequenceGolden {
  sequences: { loss_mean: number; loss_sum: number; label_count: number }[];
  padded_loss_mean?: number;
}

for (const model of ["tiny-llama", "tiny-mistral", "tiny-qwen2", "tiny-qwen3", "tiny-llama3", "tiny-mixtral"])
  gpuTest(`${model}: logits, hidden states and losses are transformers'`, async () => {
    using lm = await loadGolden(device, model);
    const expected = goldenTensors(`forward/${model}.safetensors`);
    const { sequences } = golden<SequenceGolden>(`forward/${model}.json`);
    for (const [i, sequence] of goldenSequences(model).entries()) {
      const batch = makeBatch([sequence], lm.config.vocab);
      const { logits, hidden } = await lm.forward(batch, { hidden: true });
      expect(worst(logits, expected.get(`${i}.logits`)!)).toBeLessThan(hold.logits);
      if (i === 1)
        for (let k = 0; k <= lm.config.layers; k++)
          expect(worst(hidden[k]!, expected.get(`1.hidden.${k}`)!)).toBeLessThan(hold.hidden);
      lm.evaluate(batch);
      const losses = await lm.takeLosses();
      expect(losses.length).toBe(sequences[i]!.label_count);
      expect(Math.abs(sum(losses) / losses.length / sequences[i]!.loss_mean - 1)).toBeLessThan(hold.loss);
    }
  });

for (const [model, stored] of [
  ["tiny-llama-bf16", "bfloat16"],
  ["tiny-qwen2-fp16", "float16"],
] as const)
  gpuTest(`${model}: weights stored in ${stored} are read exactly`, async () => {
    using lm = await loadGolden(device, model);
    const { logits } = await lm.forward(makeBatch([goldenSequences(model)[1]!], lm.config.vocab));
    expect(worst(logits, goldenTensors(`forward/${model}.safetensors`).get("1.logits")!)).toBeLessThan(
      hold.logits,
    );
  });

interface AdapterGolden {
  loss: number;
  grad_norm: number;
}

/** Gradients of sum / count over both sequences, one micro-batch each. */
async function gradients(
  lm: CausalLM,
  model: string,
  together = false,
): Promise<{ loss: number; grads: Map<string, Float32Array> }> {
  const sequences = goldenSequences(model);
  const batches = together
    ? [makeBatch(sequences, lm.config.vocab)]
    : sequences.map((s) => makeBatch([s], lm.config.vocab));
  const count = sum(batches.map(({ rows }) => rows.length));
  for (const batch of batches) lm.step(batch, { gradientScale: 1 / count });
  const losses = await lm.takeLosses();
  return { loss: sum(losses) / count, grads: await lm.adapter!.readGradients() };
}

const adapters = [
  ["lora/llama-qkvo", "tiny-llama"],
  ["lora/mistral-all", "tiny-mistral"],
  ["lora/qwen2-all", "tiny-qwen2"],
  ["lora/qwen3-qv", "tiny-qwen3"],
  ["lora/llama-rslora", "tiny-llama"],
  ["lora/mistral-pattern", "tiny-mistral"],
  ["lora/mixtral-qkvo", "tiny-mixtral"],
] as const;

function checkGradients(
  grads: Map<string, Float32Array>,
  expected: Map<string, Float32Array>,
  bound = hold.gradient,
): void {
  expect([...grads.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, gradient] of grads) {
    const error = worst(gradient, expected.get(name)!, true);
    if (!(error < bound)) throw new Error(`${name}: off by ${error} of its maximum`);
  }
}

for (const [adapterDirectory, model] of adapters)
  gpuTest(`${adapterDirectory}: logits, loss and every gradient are PEFT's`, async () => {
    using lm = await loadGolden(device, model, { adapterDirectory, train: true, lossCapacity: 384 });
    const { logits } = await lm.forward(makeBatch([goldenSequences(model)[1]!], lm.config.vocab));
    expect(worst(logits, goldenTensors(`${adapterDirectory}.safetensors`).get("1.logits")!)).toBeLessThan(
      hold.logits,
    );
    const { loss, grads } = await gradients(lm, model);
    expect(Math.abs(loss / golden<AdapterGolden>(`${adapterDirectory}.json`).loss - 1)).toBeLessThan(
      hold.loss,
    );
    checkGradients(grads, goldenTensors(`${adapterDirectory}.grads.safetensors`));
  });

gpuTest("NF4 with double quantisation: logits, loss and gradients are bitsandbytes' and PEFT's", async () => {
  using lm = await loadGolden(device, "tiny-mistral-nf4", { adapterDirectory: "qlora/adapter", train: true });
  using plain = await loadGolden(device, "tiny-mistral-nf4");
  const batch = makeBatch([goldenSequences("tiny-mistral")[1]!], lm.config.vocab);
  const { logits } = await lm.forward(batch);
  expect(worst(logits, goldenTensors("qlora/adapter.safetensors").get("1.logits")!)).toBeLessThan(
    hold.logits,
  );
  expect(
    worst(
      (await plain.forward(batch)).logits,
      goldenTensors("qlora/tiny-mistral-nf4.safetensors").get("1.logits")!,
    ),
  ).toBeLessThan(hold.logits);
  const { loss, grads } = await gradients(lm, "tiny-mistral");
  expect(Math.abs(loss / golden<AdapterGolden>("qlora/adapter.json").loss - 1)).toBeLessThan(hold.loss);
  checkGradients(grads, goldenTensors("qlora/adapter.grads.safetensors"));
});

gpuTest("FP4 without double quantisation: logits are bitsandbytes'", async () => {
  using lm = await loadGolden(device, "tiny-llama-fp4");
  const { logits } = await lm.forward(makeBatch([goldenSequences("tiny-llama")[1]!], lm.config.vocab));
  expect(worst(logits, goldenTensors("qlora/tiny-llama-fp4.safetensors").get("1.logits")!)).toBeLessThan(
    hold.logits,
  );
});

gpuTest("--load-4bit quantises to what bitsandbytes stored", async () => {
  using ours = await loadGolden(device, "tiny-mistral", { load4bit: true });
  using theirs = await loadGolden(device, "tiny-mistral-nf4");
  const batch = makeBatch([goldenSequences("tiny-mistral")[1]!], ours.config.vocab);
  // bitsandbytes on the CPU takes the second nearest absmax code in about one block of 400; a wrong code anywhere moves 0.5.
  expect(worst((await ours.forward(batch)).logits, (await theirs.forward(batch)).logits)).toBeLessThan(3e-2);
});

for (const [tier, bounds] of [
  ["f32", hold],
  // The fixtures' yardstick for half precision: transformers with f16 weights and activations moves logits by up to 0.05.
  ["f16", { logits: 5e-2, loss: 2e-3, gradient: 2e-2 }],
] as const)
  for (const [adapterDirectory, base, model] of [
    ["lora/qwen3-qv", "tiny-qwen3", "tiny-qwen3"],
    ["lora/qwen2-all", "tiny-qwen2", "tiny-qwen2"],
    ["qlora/adapter", "tiny-mistral-nf4", "tiny-mistral"],
    ["lora/mixtral-qkvo", "tiny-mixtral", "tiny-mixtral"],
  ] as const)
    gpuTest(
      `${adapterDirectory} on tier ${tier}: logits, loss and gradients are PEFT's`,
      async () => {
        const tiered = await Device.open({ software: true, tier });
        using lm = await loadGolden(tiered, base, { adapterDirectory, train: true, lossCapacity: 384 });
        const { logits } = await lm.forward(makeBatch([goldenSequences(model)[1]!], lm.config.vocab));
        const expected = goldenTensors(`${adapterDirectory}.safetensors`).get("1.logits")!;
        expect(worst(logits, expected)).toBeLessThan(bounds.logits);
        const { loss, grads } = await gradients(lm, model);
        expect(Math.abs(loss / golden<AdapterGolden>(`${adapterDirectory}.json`).loss - 1)).toBeLessThan(
          bounds.loss,
        );
        checkGradients(grads, goldenTensors(`${adapterDirectory}.grads.safetensors`), bounds.gradient);
        // A software adapter compiles the kernels for GPUs for seconds.
      },
      60_000,
    );

gpuTest("sequences that share a micro-batch do not see each other", async () => {
  const options = { adapterDirectory: "lora/mistral-all", train: true, lossCapacity: 384 };
  using apart = await loadGolden(device, "tiny-mistral", options);
  using packed = await loadGolden(device, "tiny-mistral", options);
  const one = await gradients(apart, "tiny-mistral");
  const two = await gradients(packed, "tiny-mistral", true);
  expect(Math.abs(two.loss / one.loss - 1)).toBeLessThan(1e-6);
  for (const [name, gradient] of two.grads)
    expect(worst(gradient, one.grads.get(name)!, true)).toBeLessThan(1e-5);
});

gpuTest("computing activations again gives the very same gradients", async () => {
  const all: Map<string, Float32Array>[] = [];
  for (const checkpointing of ["none", "full"] as const) {
    const options = { adapterDirectory: "lora/mistral-all", train: true, dropout: true, checkpointing };
    using lm = await loadGolden(device, "tiny-mistral", options);
    const batch = makeBatch([goldenSequences("tiny-mistral")[0]!], lm.config.vocab);
    lm.step(batch, { gradientScale: 0.1, dropout: { probability: 0.3, seed: 5, salt: 9 } });
    await lm.takeLosses();
    all.push(await lm.adapter!.readGradients());
  }
  for (const [name, gradient] of all[0]!) expect(all[1]!.get(name)!).toEqual(gradient);
});

gpuTest("dropout changes the gradients, and the same salt repeats them", async () => {
  const options = { adapterDirectory: "lora/llama-qkvo", train: true, dropout: true };
  const run = async (probability: number, salt: number) => {
    using lm = await loadGolden(device, "tiny-llama", options);
    const batch = makeBatch([goldenSequences("tiny-llama")[0]!], lm.config.vocab);
    lm.step(batch, { gradientScale: 0.1, dropout: { probability, seed: 1, salt } });
    await lm.takeLosses();
    return (await lm.adapter!.readGradients()).values().next().value!;
  };
  const first = await run(0.1, 3);
  expect(await run(0.1, 3)).toEqual(first);
  expect(worst(await run(0.1, 4), first, true)).toBeGreaterThan(1e-3);
  expect(worst(await run(0, 3), first, true)).toBeGreaterThan(1e-3);
});

gpuTest("weights that do not fit one binding are split without changing a result", async () => {
  const small = await Device.open({ software: true, maxBindingBytes: 100 * 1024 });
  for (const [adapterDirectory, base, sequences] of [
    ["lora/mistral-all", "tiny-mistral", "tiny-mistral"],
    ["qlora/adapter", "tiny-mistral-nf4", "tiny-mistral"],
  ] as const) {
    using lm = await loadGolden(small, base, { adapterDirectory, train: true, maxTokens: 64, maxRows: 40 });
    const batch = makeBatch([{ ...goldenSequences(sequences)[1]! }], lm.config.vocab);
    const { logits } = await lm.forward(batch);
    expect(worst(logits, goldenTensors(`${adapterDirectory}.safetensors`).get("1.logits")!)).toBeLessThan(
      hold.logits,
    );
    lm.step(batch, { gradientScale: 1 });
    using whole = await loadGolden(device, base, { adapterDirectory, train: true, maxTokens: 64 });
    whole.step(batch, { gradientScale: 1 });
    await Promise.all([lm.takeLosses(), whole.takeLosses()]);
    const expected = await whole.adapter!.readGradients();
    for (const [name, gradient] of await lm.adapter!.readGradients())
      expect(worst(gradient, expected.get(name)!, true)).toBeLessThan(1e-5);
  }
});

gpuTest("what is allocated is what was planned, and all of it comes back", async () => {
  const before = device.allocatedBytes;
  const lm = await loadGolden(device, "tiny-qwen3", {
    adapterDirectory: "lora/qwen3-qv",
    train: true,
    dropout: true,
  });
  expect(device.allocatedBytes - before).toBe(lm.plan.totalBytes);
  lm[Symbol.dispose]();
  await device.settle();
  expect(device.allocatedBytes).toBe(before);
});

gpuTest("refuses an id outside the vocabulary, and a batch that is too long", async () => {
  using lm = await loadGolden(device, "tiny-llama", { maxTokens: 4 });
  expect(() => makeBatch([{ inputIds: [1, 320] }], lm.config.vocab)).toThrow(
    "expected a token id from 0 to 319, got 320",
  );
  expect(() => lm.evaluate(makeBatch([{ inputIds: [1, 2, 3, 4, 5] }], lm.config.vocab))).toThrow(
    /at most 4 tokens, got 5/,
  );
});
