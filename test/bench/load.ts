// A base from its files onto the device, beside `cat` of the same files, both from the page cache.
// bun test/bench/load.ts --base DIR|FILE.gguf [--reps 3] [--load-4bit yes]
import { statSync } from "node:fs";
import { openBase } from "../../src/formats/base-weights.ts";
import { Device } from "../../src/gpu/device.ts";
import { BaseModel } from "../../src/model/base-model.ts";
import { emit, flag, meter, round, spread } from "./meter.ts";

const path = flag("base", "");
const load4bit = flag("load-4bit", "") === "yes";
const device = await Device.open({ software: true });
const idle = process.memoryUsage().rss;
const ours: number[] = [];
const cats: number[] = [];
const cpu: number[] = [];
let bytes = 0;
for (let i = 0; i < Number(flag("reps", "3")) + 1; i++) {
  using base = openBase(path);
  const files = [...new Set([...base.tensors.values()].map(({ file }) => file))];
  bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const cat = performance.now();
  await Bun.spawn(["cat", ...files], { stdout: Bun.file("/dev/null") }).exited;
  const catMs = performance.now() - cat;
  const reading = meter();
  const model = await BaseModel.load(device, { base, load4bit });
  const { ms, cpu: cpuMs } = reading();
  model[Symbol.dispose]();
  await device.settle();
  // The first round warms the page cache and the shader cache.
  if (i === 0) continue;
  cats.push(catMs);
  ours.push(ms);
  cpu.push(cpuMs);
}
const rate = (ms: number) => round(bytes / ms / 1e6);
emit({
  what: load4bit ? "load_4bit" : "load",
  tier: device.tier,
  bytes,
  ms: spread(ours),
  cpu_ms: spread(cpu),
  cat_ms: spread(cats),
  gb_per_s: rate(spread(ours).median),
  cat_gb_per_s: rate(spread(cats).median),
  of_cat: round(spread(cats).median / spread(ours).median),
  idle_rss_mb: round(idle / 1e6),
});
process.exit(0);
