// How much memory a device can give. WebGPU does not say, so the operating system and the driver's tools are asked.

import { readdirSync, readFileSync } from "node:fs";
import { freemem } from "node:os";
import type { AdapterFacts } from "./facts.ts";

/** Share of the free memory that a run may plan with; the rest is the driver's and other programs'. */
const usable = 0.9;

/** Bytes that a run may plan with on this adapter; undefined when nothing on the machine says. */
export function budgetBytes(facts: AdapterFacts): number | undefined {
  const free = freeBytes(facts);
  return free === undefined ? undefined : budgetOf(free);
}

/** Bytes of `free` ones that a run may plan with. */
export function budgetOf(free: number): number {
  return Math.floor(free * usable);
}

function freeBytes(facts: AdapterFacts): number | undefined {
  // Unified memory: what the system has is what the device has.
  if (facts.software || process.platform === "darwin") return availableBytes();
  return /nvidia/i.test(facts.vendor) ? nvidiaFreeBytes() : amdgpuFreeBytes();
}

/** MemAvailable counts the page cache that the kernel would give up; os.freemem() does not. */
function availableBytes(): number {
  try {
    const match = /MemAvailable:\s+(\d+) kB/.exec(readFileSync("/proc/meminfo", "utf8"));
    if (match) return Number(match[1]) * 1024;
  } catch {
    // No /proc: not Linux.
  }
  return freemem();
}

function nvidiaFreeBytes(): number | undefined {
  try {
    const run = Bun.spawnSync(["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]);
    const mebibytes = run.stdout.toString().trim().split("\n").map(Number).filter(Number.isFinite);
    // Vulkan numbers cards its own way; with several, plan for the fullest.
    return mebibytes.length ? Math.min(...mebibytes) * 2 ** 20 : undefined;
  } catch {
    return undefined;
  }
}

/** amdgpu tells VRAM through sysfs; Intel's discrete cards do not. */
function amdgpuFreeBytes(): number | undefined {
  try {
    const free = readdirSync("/sys/class/drm")
      .filter((name) => /^card\d+$/.test(name))
      .map((name) => `/sys/class/drm/${name}/device/mem_info_vram`)
      .flatMap((path) => {
        try {
          return [
            Number(readFileSync(`${path}_total`, "utf8")) - Number(readFileSync(`${path}_used`, "utf8")),
          ];
        } catch {
          return [];
        }
      });
    return free.length ? Math.max(...free) : undefined;
  } catch {
    return undefined;
  }
}
