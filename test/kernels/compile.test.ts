// Every variant of every kernel that its `// spec:` lines allow, compiled on Dawn's null backend: no adapter needed.
import { expect, test } from "bun:test";
import { kernels } from "../../kernels/index.ts";
import { Device } from "../../src/gpu/device.ts";
import { variants } from "../../src/gpu/specialise.ts";

const device = await Device.open({ backend: "null", software: true });

for (const [name, source] of Object.entries(kernels))
  test(`${name} compiles in each of its variants`, async () => {
    for (const spec of variants(source)) {
      const { bindings } = device.kernels.get(name, spec);
      expect(bindings.length).toBeGreaterThan(0);
      // What the smallest adapters among those with these features offer.
      expect(bindings.length).toBeLessThanOrEqual(10);
    }
    await device.check();
  });

test("each kernel's file says what it does, and starts with its name", () => {
  for (const [name, source] of Object.entries(kernels)) expect(source).toStartWith(`// ${name}: `);
});

test("an error in a kernel is not lost", async () => {
  device.kernels.get("rms_norm_forward", { LANES: 1, ROWS: -1 });
  expect(device.check()).rejects.toThrow(/ROWS/);
});
