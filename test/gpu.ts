// The device that GPU tests share: whatever adapter the machine has, a software one included.
import type { test } from "bun:test";
import { Device, type DeviceOptions } from "../src/gpu/device.ts";
import { need } from "./setup.ts";

/** Opens the machine's adapter. Without one, `gpuTest` is a named skip (a failure where SEKFT_REQUIRE lists gpu). */
export async function testDevice(
  options: DeviceOptions = {},
): Promise<{ device: Device; gpuTest: typeof test }> {
  try {
    const device = await Device.open({ software: true, ...options });
    return { device, gpuTest: need("gpu", true) };
  } catch (error) {
    const absent = new Proxy({} as Device, {
      get() {
        throw error;
      },
    });
    return { device: absent, gpuTest: need("gpu", false) };
  }
}
