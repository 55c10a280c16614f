import { expect, test } from "bun:test";
import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c } from "../../src/formats/crc32c.ts";
import { EventFileWriter, eventFileName } from "../../src/formats/tensorboard.ts";
import { formats, scratch } from "./golden.ts";

const folder = scratch();
const scalars = [
  [1, "train/loss", 2.5],
  [2, "train/loss", 1.2345678],
  [300, "train/grad_norm", -0],
  [300, "eval/loss", 1e-8],
] as const;

/** Records of an event file as hex, without the first (version) record. */
function records(path: string): string[] {
  const bytes = readFileSync(path);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 16 + Number(bytes.readBigUInt64LE(at));
    found.push(bytes.subarray(at, next).toString("hex"));
    at = next;
  }
  return found;
}

function write(
  path: string,
  list: readonly (readonly [number, string, number])[],
  keepUpToStep?: number,
): void {
  using writer = new EventFileWriter(path, keepUpToStep === undefined ? {} : { keepUpToStep });
  for (const [step, tag, value] of list) writer.scalar(tag, value, step, 1700000001.5 + step);
  writer.flush();
}

test("checksums are those of RFC 3720", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

test("records equal those of TensorBoard's own writer, after the version record", () => {
  const path = join(folder, eventFileName(1700000000));
  write(path, scalars);
  const [version, ...ours] = records(path);
  const [theirVersion, ...theirs] = records(join(formats, "events.tfevents"));
  expect(ours).toEqual(theirs);
  const name = Buffer.from("\u001a\u000dbrain.Event:2").toString("hex");
  expect(version).toContain(name);
  expect(theirVersion).toContain(name);
});

test("a later writer appends, and cuts off a torn record", () => {
  const path = join(folder, "torn");
  write(path, scalars);
  const whole = records(path);
  appendFileSync(path, readFileSync(path).subarray(0, 30));
  write(path, [[301, "train/loss", 1]]);
  expect(records(path).slice(0, -1)).toEqual(whole);
  truncateSync(path, readFileSync(path).length - 1);
  write(path, []);
  expect(records(path)).toEqual(whole);
});

test("a resumed run drops the events after its checkpoint", () => {
  const path = join(folder, "resumed");
  write(path, scalars);
  const whole = records(path);
  write(path, [], 299);
  expect(records(path)).toEqual(whole.slice(0, 3));
  write(path, scalars.slice(2));
  expect(records(path)).toEqual(whole);
});

test("a damaged record ends what is kept", () => {
  const path = join(folder, "damaged");
  write(path, scalars);
  const whole = records(path);
  const bytes = readFileSync(path);
  bytes[whole[0]!.length / 2 + whole[1]!.length / 2 + 20]! ^= 1;
  writeFileSync(path, bytes);
  write(path, []);
  expect(records(path)).toEqual(whole.slice(0, 2));
});
