import { describe, expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readAdapter } from "../../src/formats/peft-adapter.ts";
import batch2 from "../golden/numeric/train/batch2-decay/run.json";
import cosine from "../golden/numeric/train/cosine/run.json";
import linear from "../golden/numeric/train/linear/run.json";
import qlora from "../golden/numeric/train/qlora-linear/run.json";
import { testDevice } from "../gpu.ts";
import { decodeEvents } from "./decode-events.ts";
import { difference } from "./golden-run.ts";
import { numeric, readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile, evalFile } = scratchFolder();

/** Bound on every step's loss and gradient norm, relative: the goal, ten times tighter than what must hold. */
const curveBound = 1e-5;
/** Adam divides by sqrt(v): rounding of a gradient near zero becomes a full-size step. */
const adapterBound = 5e-3;

type Entry = Record<string, number>;

describe("a run repeats transformers' and PEFT's own", () => {
  for (const golden of [linear, cosine, batch2, qlora]) {
    const { run } = golden;
    const folder = join(numeric, "train", run.name);
    const out = join(scratch, run.name);
    gpuTest(
      `${run.name}: every loss, gradient norm, rate and evaluation, and the final adapter`,
      async () => {
        await runTrain({
          base: join(numeric, "models", run.base),
          tokenized: trainFile,
          evalTokenized: evalFile,
          perDeviceEvalBatchSize: "2",
          initAdapter: join(folder, "init"),
          out,
          order: "sequential",
          perDeviceTrainBatchSize: String(run.batch),
          gradientAccumulationSteps: String(run.accum),
          numTrainEpochs: String(run.epochs),
          learningRate: String(run.lr),
          lrSchedulerType: run.schedule,
          warmupSteps: String(run.warmup),
          weightDecay: String(run.weight_decay),
          maxGradNorm: String(run.max_grad_norm),
        });
        const wanted = readState(join(folder, "trainer_state.json"));
        const got = readState(join(out, "trainer_state.json"));
        const timed = /runtime|per_second/;
        const { log_history: wantedLog, ...wantedFields } = wanted;
        const { log_history: gotLog, save_steps: _, eval_steps: __, ...gotFields } = got;
        const { save_steps: ___, eval_steps: ____, stateful_callbacks: _____, ...fields } = wantedFields;
        expect({ ...fields, stateful_callbacks: null }).toEqual({ ...gotFields, stateful_callbacks: null });
        expect(gotLog.length).toBe(wantedLog.length);
        wantedLog.forEach((entry, i) => {
          for (const [key, value] of Object.entries(entry)) {
            if (timed.test(key)) continue;
            const bound = /loss|norm/.test(key) ? curveBound : 1e-9;
            const error = Math.abs(gotLog[i]![key]! - value) / Math.max(Math.abs(value), 1e-300);
            if (!(error <= bound || gotLog[i]![key] === value))
              throw new Error(`step ${entry.step} ${key}: ${gotLog[i]![key]} instead of ${value} (${error})`);
          }
        });
        const final = readAdapter(join(folder, "final"));
        const ours = readAdapter(out);
        expect({ ...ours.config, baseModel: "" }).toEqual({ ...final.config, baseModel: "" });
        for (const [name, { data }] of final.tensors) {
          const values = ours.tensors.get(name)!.data;
          const { worst, most } = difference(data, values);
          if (!(worst <= adapterBound * most)) throw new Error(`${name}: off by ${worst} of ${most}`);
        }
      },
    );
  }

  gpuTest("the checkpoint of the last step holds the output's own bytes", () => {
    const out = join(scratch, "linear");
    for (const name of ["adapter_model.safetensors", "adapter_config.json"])
      expect(readFileSync(join(out, "checkpoint-12", name))).toEqual(readFileSync(join(out, name)));
  });

  gpuTest("TensorBoard and log.jsonl hold what the trainer state holds", () => {
    const out = join(scratch, "linear");
    const [session] = readdirSync(join(out, "runs"));
    const [file] = readdirSync(join(out, "runs", session!));
    const events = decodeEvents(readFileSync(join(out, "runs", session!, file!)));
    const log = readLog(out).filter((entry) => entry.train_loss === undefined);
    expect(log.length).toBe(15);
    for (const [tag, key] of [
      ["train/loss", "loss"],
      ["train/grad_norm", "grad_norm"],
      ["eval/loss", "eval_loss"],
    ] as const)
      expect(events.filter((event) => event.tag === tag).map(({ step, value }) => [step, value])).toEqual(
        log
          .filter((entry) => entry[key] !== undefined)
          .map((entry) => [entry.step!, Math.fround(entry[key]!)]),
      );
  });
});

function readState(path: string): { log_history: Entry[] } & Record<string, unknown> {
  return JSON.parse(readFileSync(path, "utf8")) as { log_history: Entry[] };
}
