// Runs of a few updates that another program made too: how they are asked for, and how close they must come.

import { expect } from "bun:test";
import { readAdapter } from "../../src/formats/peft-adapter.ts";
import { type Flags, readLog } from "./tiny-run.ts";

/** What the other program wrote down. */
interface GoldenRun {
  readonly learning_rate: number;
  /** Rows of an update. */
  readonly window: number;
  /** Of each update. */
  readonly log: readonly { readonly loss: number; readonly grad_norm: number }[];
}

/** Flags of a run that does as that one did. */
export function goldenFlags({ learning_rate, window, log }: GoldenRun): Flags {
  return {
    order: "sequential",
    perDeviceTrainBatchSize: "1",
    gradientAccumulationSteps: String(window),
    maxSteps: String(log.length),
    learningRate: String(learning_rate),
    lrSchedulerType: "constant",
    warmupRatio: "0",
    weightDecay: "0",
  };
}

/** Losses and gradient norms of the run in `out` are those of the other, to a part in 100,000. */
export function expectGoldenLog(out: string, golden: GoldenRun): void {
  const log = readLog(out).filter(({ loss }) => loss !== undefined);
  expect(log.length).toBe(golden.log.length);
  golden.log.forEach(({ loss, grad_norm }, i) => {
    expect(Math.abs(log[i]!.loss! / loss - 1)).toBeLessThan(1e-5);
    expect(Math.abs(log[i]!.grad_norm! / grad_norm - 1)).toBeLessThan(1e-5);
  });
}

/** The adapter in `out` has the tensors of the one in `final`, no value further off than `share` of its tensor's largest. */
export function expectAdapterNear(out: string, final: string, share: number): void {
  const ours = readAdapter(out);
  const theirs = readAdapter(final);
  expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
  for (const [name, { data }] of theirs.tensors) {
    const { worst, most } = difference(data, ours.tensors.get(name)!.data);
    expect(worst).toBeLessThan(share * most);
  }
}

/** Largest distance of two tensors of one shape, and the largest value of the first. */
export function difference(wanted: Float32Array, got: Float32Array): { worst: number; most: number } {
  return {
    worst: wanted.reduce((max, x, i) => Math.max(max, Math.abs(x - got[i]!)), 0),
    most: wanted.reduce((max, x) => Math.max(max, Math.abs(x)), 0),
  };
}
