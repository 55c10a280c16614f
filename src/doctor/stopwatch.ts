// Times what is recorded on a stream: once to compile and warm up, then often enough that the clock's grain and the cost of a
// submit do not count.

import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";

/** A timed stretch of device work should last about this long. */
const targetSeconds = 0.1;
/** Stretches of which the fastest counts. */
const stretches = 3;
const mostRepeats = 2000;

/** Seconds that the work of one call of `record` takes on the device, the fastest of a few stretches. */
export async function secondsOf(device: Device, record: (stream: Stream) => void): Promise<number> {
  const run = async (times: number) => {
    const stream = new Stream(device);
    const start = performance.now();
    for (let i = 0; i < times; i++) record(stream);
    stream.submit();
    await device.settle();
    return (performance.now() - start) / 1000;
  };
  await run(1);
  const once = await run(1);
  const times = Math.max(1, Math.min(mostRepeats, Math.round(targetSeconds / once)));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < stretches; i++) best = Math.min(best, (await run(times)) / times);
  return best;
}
