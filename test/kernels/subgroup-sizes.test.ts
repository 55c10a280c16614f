// The op tests again in subgroups of 4 and 16 lanes, which Mesa's software driver makes by the width of its vectors. A kernel
// that assumes one size trains to NaN elsewhere, in silence.
import { expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";

setDefaultTimeout(300_000);

const root = join(import.meta.dir, "../..");
const { device, gpuTest } = await testDevice();
const isLavapipe = gpuTest === need("gpu", true) && /llvmpipe/.test(device.facts.name);
const lavapipeTest = need("lavapipe", isLavapipe);

function run(width: number, ...args: string[]): { exitCode: number; text: string } {
  const env = { ...process.env, LP_NATIVE_VECTOR_WIDTH: String(width) };
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, ...args], { cwd: root, env });
  return { exitCode, text: `${stdout}${stderr}` };
}

for (const [width, lanes] of [
  [128, 4],
  [512, 16],
] as const)
  lavapipeTest(`the ops hold in subgroups of ${lanes}`, () => {
    const script = `const { Device } = await import("./src/gpu/device.ts");
      const { facts } = await Device.open({ software: true });
      console.log("lanes", facts.subgroupMin, facts.subgroupMax);
      process.exit(0);`;
    expect(run(width, "-e", script).text).toContain(`lanes ${lanes} ${lanes}\n`);
    // The kernels of CPU adapters, and those of GPUs that use subgroups; register tiles use none.
    const { exitCode, text } = run(width, "test", "test/ops", "-t", "software|kernels");
    const failed = text.split("\n").filter((line) => /^\(fail\)|^error:|Received/.test(line));
    expect(failed).toEqual([]);
    expect(exitCode).toBe(0);
    expect(Number(/^ *(\d+) pass$/m.exec(text)?.[1])).toBeGreaterThan(40);
  });
