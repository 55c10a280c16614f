// What a checkpoint keeps of the base's own weights: f32 masters of all that was trained so far, and AdamW's moments of what the
// stage at hand trains. Shard by shard from the device to the disk and back: the host never holds them all.

import { join } from "node:path";
import { DataError, show } from "../../base/errors.ts";
import { SafetensorsFile, streamSafetensors, type TensorToStream } from "../../formats/safetensors.ts";
import type { Device } from "../../gpu/device.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { TrainedWeights } from "../../model/trained-weights.ts";

const weightsName = "weights.safetensors";
const momentsName = "weights_optimizer.safetensors";

/** Path of a checkpoint's masters. */
export function weightsPath(checkpoint: string): string {
  return join(checkpoint, weightsName);
}

/** Writes masters and moments into a checkpoint.
 *  @throws GpuError when the device failed, UserError when the disk is full */
export async function saveTrained(folder: string, device: Device, trained: TrainedWeights): Promise<void> {
  const stream = (name: string, shape: readonly number[], parts: readonly Tensor[]): TensorToStream => ({
    name,
    dtype: "F32",
    shape,
    async *chunks() {
      for (const part of parts) {
        const values = await device.read(part);
        yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      }
    },
  });
  await streamSafetensors(
    weightsPath(folder),
    trained.sofar.map(({ name, shape, shards }) =>
      stream(
        name,
        shape,
        shards.map(({ master }) => master),
      ),
    ),
  );
  await streamSafetensors(
    join(folder, momentsName),
    trained.trained.flatMap(({ name, shape, shards }) => [
      stream(
        `exp_avg.${name}`,
        shape,
        shards.map(({ m }) => m),
      ),
      stream(
        `exp_avg_sq.${name}`,
        shape,
        shards.map(({ v }) => v),
      ),
    ]),
  );
}

/** Puts saved masters and moments back, bit for bit. The stage that they are of must be entered; copies of masters are not brought
 *  up to date.
 *  @throws DataError when the files do not hold what the stages train */
export async function loadTrained(folder: string, device: Device, trained: TrainedWeights): Promise<void> {
  using weights = new SafetensorsFile(weightsPath(folder));
  for (const { name, shape, shards } of trained.sofar)
    await load(
      weights,
      name,
      shape,
      device,
      shards.map(({ master }) => master),
    );
  using moments = new SafetensorsFile(join(folder, momentsName));
  for (const { name, shape, shards } of trained.trained)
    for (const [key, which] of [
      ["exp_avg", "m"],
      ["exp_avg_sq", "v"],
    ] as const)
      await load(
        moments,
        `${key}.${name}`,
        shape,
        device,
        shards.map((shard) => shard[which]),
      );
}

const pieceBytes = 4 << 20;

async function load(
  file: SafetensorsFile,
  name: string,
  shape: readonly number[],
  device: Device,
  parts: readonly Tensor[],
): Promise<void> {
  const entry = file.entry(name);
  if (entry.dtype !== "F32" || show(entry.shape) !== show(shape))
    throw new DataError(
      { file: file.path, field: name },
      `expected F32 of shape ${show(shape)}, got ${entry.dtype} of ${show(entry.shape)}`,
    );
  let at = 0;
  for (const part of parts) {
    const bytes = part.length * 4;
    for (let done = 0; done < bytes; done += pieceBytes) {
      const piece = new Uint8Array(Math.min(pieceBytes, bytes - done));
      file.read(entry, at + done, piece);
      await device.upload(part, piece, done / 4);
    }
    at += bytes;
  }
}
