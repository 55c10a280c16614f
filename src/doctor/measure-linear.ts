// How fast the matrix products of a shape run: each distinct linear layer forward and backward over N tokens, one token through
// the widest of them (what decoding does), and the dequantisation that 4-bit weights need first.

import type { ModelConfig } from "../formats/config.ts";
import { linearNames, linearShape } from "../formats/tensor-names.ts";
import type { Device } from "../gpu/device.ts";
import type { Dtype, Tensor } from "../gpu/tensor.ts";
import { operandType } from "../model/shapes.ts";
import { matmul } from "../ops/matmul.ts";
import { dequantise4bit } from "../ops/quant.ts";
import { secondsOf } from "./stopwatch.ts";

/** One layer's rates, floating point operations per second. */
export interface LinearRate {
  /** Names of the layers of this shape. */
  readonly names: readonly string[];
  readonly outFeatures: number;
  readonly inFeatures: number;
  /** y = x W^T. */
  readonly forward: number;
  /** dx = dy W. */
  readonly backward: number;
}

/** Rates of a shape's linear layers. */
export interface LinearRates {
  readonly layers: readonly LinearRate[];
  /** Over all layers of a block, each weighed by its work. */
  readonly forward: number;
  readonly backward: number;
  /** Weight bytes per second when one token goes through the widest layer. */
  readonly decodeBytes: number;
  /** Weights per second out of 4-bit codes. */
  readonly dequantised: number;
}

/** Measures the products of a block over `tokens` tokens. */
export async function measureLinear(
  device: Device,
  config: ModelConfig,
  tokens: number,
): Promise<LinearRates> {
  const byShape = new Map<string, { names: string[]; outFeatures: number; inFeatures: number }>();
  for (const name of linearNames) {
    const [outFeatures, inFeatures] = linearShape(config, name);
    const key = `${outFeatures}x${inFeatures}`;
    const entry = byShape.get(key) ?? { names: [], outFeatures, inFeatures };
    entry.names.push(name);
    byShape.set(key, entry);
  }
  const layers: LinearRate[] = [];
  for (const shape of byShape.values())
    layers.push({ ...shape, ...(await productRates(device, shape, tokens)) });
  const total = (rate: (layer: LinearRate) => number) => {
    const work = (layer: LinearRate) => layer.names.length * layer.outFeatures * layer.inFeatures;
    const sum = layers.reduce((all, layer) => all + work(layer), 0);
    return sum / layers.reduce((all, layer) => all + work(layer) / rate(layer), 0);
  };
  return {
    layers,
    forward: total(({ forward }) => forward),
    backward: total(({ backward }) => backward),
    ...(await weightRates(device, config)),
  };
}

interface Shape {
  readonly outFeatures: number;
  readonly inFeatures: number;
}

async function productRates(
  device: Device,
  shape: Shape,
  wantedTokens: number,
): Promise<Pick<LinearRate, "forward" | "backward">> {
  const { inFeatures } = shape;
  const type = operandType(device.tier);
  // What a binding does not hold is split over several in the model; the rate is that of one piece.
  const rowsOf = (columns: number) => Math.floor(device.maxBindingBytes / (columns * 4));
  const outFeatures = Math.min(shape.outFeatures, rowsOf(inFeatures));
  const tokens = Math.min(wantedTokens, rowsOf(Math.max(outFeatures, inFeatures)));
  const made: Tensor[] = [];
  const tensor = (label: string, dtype: Dtype, rows: number, columns: number) => {
    const one = filled(device, label, dtype, rows, columns);
    made.push(one);
    return one;
  };
  const x = tensor("x", type, tokens, inFeatures);
  const w = tensor("w", type, outFeatures, inFeatures);
  const y = tensor("y", type, tokens, outFeatures);
  const dy = tensor("dy", "f32", tokens, outFeatures);
  const dx = tensor("dx", "f32", tokens, inFeatures);
  const flop = 2 * tokens * outFeatures * inFeatures;
  const forward = await secondsOf(device, (stream) =>
    matmul(stream, { a: x, b: w, out: y }, { mode: "nt", m: tokens, n: outFeatures, k: inFeatures }),
  );
  const backward = await secondsOf(device, (stream) =>
    matmul(stream, { a: dy, b: w, out: dx }, { mode: "nn", m: tokens, n: inFeatures, k: outFeatures }),
  );
  for (const one of made) device.free(one);
  await device.settle();
  return { forward: flop / forward, backward: flop / backward };
}

async function weightRates(
  device: Device,
  config: ModelConfig,
): Promise<Pick<LinearRates, "decodeBytes" | "dequantised">> {
  const type = operandType(device.tier);
  const [outFeatures, inFeatures] = linearShape(config, "gate_proj");
  const most = Math.floor(device.maxBindingBytes / (inFeatures * (type === "f16" ? 2 : 4)));
  const rows = Math.min(outFeatures, most);
  const count = rows * inFeatures;
  const x = filled(device, "x", type, 1, inFeatures);
  const w = filled(device, "w", type, rows, inFeatures);
  const y = device.tensor("bench", "y", type, [1, rows]);
  const decode = await secondsOf(device, (stream) =>
    matmul(stream, { a: x, b: w, out: y }, { mode: "nt", m: 1, n: rows, k: inFeatures }),
  );
  const packed = device.tensor("bench", "packed", "u32", [Math.ceil(count / 8)]);
  const absmax = device.tensor("bench", "absmax", "f32", [Math.ceil(count / 64)]);
  const table = device.tensor("bench", "table", "f32", [16]);
  const dequantise = await secondsOf(device, (stream) =>
    dequantise4bit(stream, { packed, absmax, table, out: w }, { count, block: 64, roundTo: "F32" }),
  );
  const bytes = w.bytes;
  for (const one of [x, w, y, packed, absmax, table]) device.free(one);
  await device.settle();
  return { decodeBytes: bytes / decode, dequantised: count / dequantise };
}

/** Small numbers that are not all alike: zeros would multiply faster on some devices. */
function filled(device: Device, label: string, dtype: Dtype, rows: number, columns: number): Tensor {
  const Values = dtype === "f16" ? Float16Array : Float32Array;
  const values = new Values(rows * columns);
  const pattern = new Values(4099);
  for (let i = 0; i < pattern.length; i++)
    pattern[i] = ((Math.imul(i + 1, 0x9e3779b1) >>> 8) / 2 ** 24 - 0.5) / 16;
  for (let at = 0; at < values.length; at += pattern.length)
    values.set(pattern.subarray(0, values.length - at) as never, at);
  const tensor = device.tensor("bench", label, dtype, [rows, columns]);
  device.write(tensor, values);
  return tensor;
}
