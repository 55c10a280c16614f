// `train --terminal-weight` and `--terminals`: the loss of a first step against transformers' f64 log-probabilities, and what a resume
// and a mask say of them.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import { encodeRows, loadDataset } from "../../src/data/dataset.ts";
import { MASKED } from "../../src/data/encode-trajectory.ts";
import { maskJson } from "../../src/data/view/mask-json.ts";
import expected from "../golden/terminals/expected.json";
import { testDevice } from "../gpu.ts";
import { type Flags, readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile } = scratchFolder();
const golden = join(import.meta.dir, "..", "golden", "terminals");
const data = join(golden, "sessions.jsonl");
const base = join(golden, "chatml");
const format = loadChatFormat(base, undefined);
const options = {
  data,
  all: false,
  maxLength: 4096,
  overlong: "drop",
  strictPrefix: false,
  specialInContent: "keep",
} as const;

/** All six sessions in one update, on the base itself: a fresh adapter changes nothing yet. */
const flags: Flags = {
  base,
  data,
  order: "sequential",
  perDeviceTrainBatchSize: "2",
  gradientAccumulationSteps: "3",
  maxSteps: "1",
  loraR: "4",
  loraDropout: "0",
  warmupRatio: "0",
};

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
const chatml = expected.chatml as ((typeof expected)["chatml"][number] & {
  trained: { nll: number; labels: number };
})[];

/** Weighted negative log-likelihood of all labels over their number; a weight of 0 takes the labels out. */
function wanted(weight: number): number {
  const nll = sum(chatml.map(({ trained, final }) => trained.nll - (weight - 1) * final.logp));
  const gone = weight === 0 ? sum(chatml.map(({ final }) => final.tokens)) : 0;
  return nll / (sum(chatml.map(({ trained }) => trained.labels)) - gone);
}

describe("--terminal-weight", () => {
  for (const weight of [1, 4, 0.25, 0])
    gpuTest(`${weight}: the loss is the weighted mean over all labels`, async () => {
      const out = join(scratch, `w${weight}`);
      await runTrain({ ...flags, out, terminalWeight: String(weight) });
      expect(readLog(out)[0]!.loss!).toBeCloseTo(wanted(weight), 3);
      const packed = join(scratch, `p${weight}`);
      const packing = { packing: true, perDeviceTrainBatchSize: "1", gradientAccumulationSteps: "8" };
      await runTrain({ ...flags, ...packing, out: packed, terminalWeight: String(weight) });
      expect(readLog(packed)[0]!.loss!).toBeCloseTo(wanted(weight), 3);
    });

  gpuTest("is recorded, and a resume with another one is refused by name", async () => {
    const out = join(scratch, "resumed");
    await runTrain({ ...flags, out, terminalWeight: "2", maxSteps: "2", saveSteps: "1" });
    expect(JSON.parse(readFileSync(join(out, "options.json"), "utf8"))).toMatchObject({
      terminal_weight: 2,
      terminals: null,
    });
    const again = { ...flags, out, maxSteps: "2", resume: true };
    await expect(runTrain({ ...again, terminalWeight: "3" })).rejects.toThrow(
      /--terminal-weight 3 \(was 2\)/,
    );
    await expect(runTrain({ ...again, terminalWeight: "2", terminals: "exit=leave" })).rejects.toThrow(
      /--terminals "?exit=leave"? \(was null\)/,
    );
  });

  test("weighs the terminal's tokens and no others, in data set and mask alike", async () => {
    const { sequences } = await loadDataset({ ...options, terminalWeight: 4 }, format);
    const plain = (await loadDataset(options, format)).sequences;
    for (const [i, { final }] of chatml.entries()) {
      const { weights, labels, inputIds } = sequences[i]!;
      expect([...labels]).toEqual([...plain[i]!.labels]);
      const heavy = [...weights!].flatMap((weight, k) => (weight === 4 ? [k] : []));
      expect(heavy.length).toBe(final.tokens);
      expect(heavy[0]).toBe(final.prompt_tokens);
      expect(inputIds[heavy.at(-1)!]).toBe(format.endOfTurn!.id);
      for (const [k, label] of labels.entries())
        if (!heavy.includes(k)) expect(weights![k]).toBe(label === MASKED ? 0 : 1);
    }
    for await (const { result } of encodeRows({ ...options, terminalWeight: 4 }, format)) {
      const row = JSON.parse(maskJson(result, format));
      expect(row.weights.filter((weight: number) => weight === 4).length).toBeGreaterThan(0);
    }
  });

  test("is refused where nothing says which tokens are the terminal's", async () => {
    const run = { ...flags, data: undefined, tokenized: trainFile, out: join(scratch, "ids") };
    await expect(runTrain({ ...run, terminalWeight: "2" })).rejects.toThrow(
      /--terminal-weight: expected --data/,
    );
    await expect(runTrain({ ...run, terminals: "exit=leave" })).rejects.toThrow(
      /--terminals: expected --data/,
    );
    await expect(
      runTrain({ ...flags, method: "dpo", terminalWeight: "2", out: join(scratch, "dpo") }),
    ).rejects.toThrow(/--terminal-weight: expected --method sft, got dpo/);
  });
});

describe("--terminals", () => {
  test("trains the new word in its place", async () => {
    const terminals = { exit: "leave", panic: "stuck" };
    const { sequences, counts } = await loadDataset({ ...options, terminals, terminalWeight: 2 }, format);
    expect(counts.terminals).toEqual({ exit: 4, panic: 2, none: 0 });
    for (const [i, { final }] of expected.renamed.entries()) {
      const heavy = [...sequences[i]!.weights!].flatMap((weight, k) => (weight === 2 ? [k] : []));
      expect(heavy.length).toBe(final.tokens);
      const text = format.tokenizer.decode([...heavy].map((k) => sequences[i]!.inputIds[k]!));
      expect(text).toStartWith(chatml[i]!.terminal === "exit" ? "leave" : "stuck");
    }
  });
});
