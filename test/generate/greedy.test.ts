// Greedy answers against transformers' own: test/golden/generate.

import { expect } from "bun:test";
import llama from "../golden/generate/tiny-llama.json";
import llama3 from "../golden/generate/tiny-llama3.json";
import mistral from "../golden/generate/tiny-mistral.json";
import mixtral from "../golden/generate/tiny-mixtral.json";
import qwen2 from "../golden/generate/tiny-qwen2.json";
import qwen3 from "../golden/generate/tiny-qwen3.json";
import { testDevice } from "../gpu.ts";
import { tinyEngine, whole } from "./tiny-engine.ts";

const { device, gpuTest } = await testDevice();

/** Largest difference to transformers' log probabilities. */
const logprobBound = 1e-3;

for (const golden of [llama, llama3, mistral, mixtral, qwen2, qwen3]) {
  const { model, prompt_ids: promptIds, output_ids: outputIds, steps } = golden;
  const options = { maxTokens: outputIds.length, ignoreEos: true };

  gpuTest(`${model}: 40 greedy tokens and their likeliest alternatives are transformers'`, async () => {
    using tiny = await tinyEngine(device, model);
    const { tokens, ids, reason } = await whole(tiny.engine, {
      promptIds,
      options: { ...options, logprobs: 5 },
    });
    expect(ids).toEqual(outputIds);
    expect(reason).toBe("length");
    for (const [i, { top5 }] of steps.entries()) {
      expect(tokens[i]!.top!.map(([id]) => id)).toEqual(top5.map(([id]) => id!));
      for (const [j, [, logprob]] of top5.entries())
        expect(Math.abs(tokens[i]!.top![j]![1] - logprob!)).toBeLessThan(logprobBound);
      expect(Math.abs(tokens[i]!.logprob - top5[0]![1]!)).toBeLessThan(logprobBound);
    }
  });

  for (const stepsPerSubmit of [1, 7])
    gpuTest(`${model}: chosen on the device, ${stepsPerSubmit} a submit, they are the same`, async () => {
      using tiny = await tinyEngine(device, model, { stepsPerSubmit });
      const { tokens, ids } = await whole(tiny.engine, { promptIds, options });
      expect(ids).toEqual(outputIds);
      for (const [i, { top5 }] of steps.entries())
        expect(Math.abs(tokens[i]!.logprob - top5[0]![1]!)).toBeLessThan(logprobBound);
    });
}
