// A TensorBoard event file read back with nothing of ours: framing of TensorFlow's record_writer.cc, protobuf by hand.

/** One scalar of an event file. */
export interface ScalarEvent {
  readonly tag: string;
  readonly step: number;
  readonly value: number;
}

type Fields = Map<number, Uint8Array | number>;

/** Scalars of a file, in order. */
export function decodeEvents(file: Uint8Array): ScalarEvent[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const scalars: ScalarEvent[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    const event = fields(file.subarray(at + 12, at + 12 + length));
    at += length + 16;
    const summary = event.get(5);
    if (!(summary instanceof Uint8Array)) continue;
    const value = fields(fields(summary).get(1) as Uint8Array);
    const bits = value.get(2) as number;
    scalars.push({
      tag: new TextDecoder().decode(value.get(1) as Uint8Array),
      step: (event.get(2) as number | undefined) ?? 0,
      value: new Float32Array(Uint32Array.of(bits).buffer)[0]!,
    });
  }
  return scalars;
}

function fields(bytes: Uint8Array): Fields {
  const found: Fields = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    if ((key & 7) === 0) found.set(field, varint());
    else if ((key & 7) === 1) at += 8;
    else if ((key & 7) === 5) {
      found.set(field, view.getUint32(at, true));
      at += 4;
    } else {
      const length = varint();
      found.set(field, bytes.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
