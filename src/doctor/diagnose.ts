// What is wrong with this machine and what to do about it, one entry a cause.

import type { AdapterFacts } from "../gpu/facts.ts";
import type { MachineFacts } from "./machine.ts";

/** Something that keeps sekft from working, or from working well. */
export interface Problem {
  /** `error`: training cannot run; `warning`: it runs, but worse than it could. */
  readonly severity: "error" | "warning";
  readonly what: string;
  readonly remedy: string;
}

/** Bytes on disk below which a run may not find room for its checkpoints. */
const littleDisk = 2e9;

/** Problems of a machine; `adapter` is undefined when none could be opened, and `failure` says how that went. */
export function diagnose(
  machine: MachineFacts,
  adapter: AdapterFacts | undefined,
  failure: string | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const add = (severity: Problem["severity"], what: string, remedy: string) =>
    problems.push({ severity, what, remedy });
  if (!adapter) add("error", failure ?? "no adapter", adapterRemedy(machine));
  else if (adapter.software) {
    if (machine.nvidiaKernelDriver !== undefined)
      add(
        "error",
        `the NVIDIA driver ${machine.nvidiaKernelDriver} is loaded, but Vulkan sees only the CPU adapter ${adapter.name}`,
        nvidiaRemedy(machine),
      );
    else
      add(
        "warning",
        `${adapter.name} is a CPU adapter: training works, hundreds of times slower than on a GPU`,
        "on a machine with a GPU, install its Vulkan driver",
      );
    if (!adapter.subgroups)
      add(
        "warning",
        "the CPU adapter has no subgroups: only the slow tier f32 runs",
        "install Mesa 25 or newer (Debian: mesa-vulkan-drivers from backports)",
      );
  } else if (!adapter.f16)
    add(
      "warning",
      `${adapter.name} offers no shader-f16: only tier f32 runs, with twice the memory`,
      "update the GPU driver",
    );
  if (machine.freeDiskBytes < littleDisk)
    add(
      "warning",
      `${(machine.freeDiskBytes / 1e9).toFixed(1)} GB are free on this disk`,
      "checkpoints need room: free some, or give --out on another disk",
    );
  return problems;
}

function adapterRemedy(machine: MachineFacts): string {
  if (machine.nvidiaKernelDriver !== undefined) return nvidiaRemedy(machine);
  if (!machine.platform.startsWith("linux")) return "install the GPU's current driver";
  const loader = "install libvulkan1 and the GPU's Vulkan driver";
  const cpu = "without a GPU, mesa-vulkan-drivers 25 or newer (Debian: from backports) runs on the CPU";
  return machine.vulkanDrivers.length === 0
    ? `${loader}; ${cpu}`
    : `${loader}; the drivers found (${machine.vulkanDrivers.join(", ")}) did not open; ${cpu}`;
}

/** A container gets NVIDIA's Vulkan only when it asks for graphics. */
function nvidiaRemedy(machine: MachineFacts): string {
  const loader = "install libvulkan1";
  return machine.container || machine.vulkanDrivers.every((name) => !name.includes("nvidia"))
    ? `in a container, start it with NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility, and ${loader} in it; outside, install the driver's GL and Vulkan part`
    : `${loader}, and check that nvidia_icd.json names a library that exists`;
}
