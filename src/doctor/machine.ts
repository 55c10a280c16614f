// What the machine around the adapter has: memory, disk, drivers, sandboxes. Each fact is asked for and never guessed.

import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import { basename } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { version } from "../base/version.ts";

/** The machine, as `doctor` prints it. */
export interface MachineFacts {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  /** Of the current folder's file system. */
  readonly freeDiskBytes: number;
  /** Vulkan drivers that are installed, by the names of their manifests. */
  readonly vulkanDrivers: readonly string[];
  /** The kernel has NVIDIA's driver loaded, whatever Vulkan says. */
  readonly nvidiaKernelDriver: string | undefined;
  /** Runs in a container. */
  readonly container: boolean;
  /** What can hold worlds: version and detail, or the problem. */
  readonly sandboxes: SandboxFacts;
  readonly versions: {
    readonly sekft: string;
    readonly commit: string;
    readonly bun: string;
    readonly dawn: string;
  };
}

/** Docker and bubblewrap, as the sandbox finds them. */
export interface SandboxFacts {
  readonly docker: SandboxFact;
  readonly bubblewrap: SandboxFact;
}
export type SandboxFact =
  | { readonly version: string; readonly detail: string }
  | { readonly problem: string };

/** Asks for all of it but the sandboxes, which the caller has asked for. */
export function machineFacts(sandboxes: SandboxFacts): MachineFacts {
  const { version: sekft, commit } = version();
  const disk = statfsSync(process.cwd());
  return {
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    freeMemoryBytes: availableMemory(),
    freeDiskBytes: disk.bavail * disk.bsize,
    vulkanDrivers: vulkanDrivers(),
    nvidiaKernelDriver: nvidiaKernelDriver(),
    container: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
    sandboxes,
    versions: { sekft, commit, bun: Bun.version, dawn: packageJson.dependencies.webgpu },
  };
}

/** MemAvailable counts the page cache that the kernel would give up; os.freemem() does not. */
function availableMemory(): number {
  const match = /MemAvailable:\s+(\d+) kB/.exec(textOf("/proc/meminfo") ?? "");
  return match ? Number(match[1]) * 1024 : freemem();
}

/** Where the Vulkan loader looks (Vulkan-Loader, LoaderDriverInterface.md), and what the environment adds. */
function vulkanDrivers(): string[] {
  const given = process.env.VK_DRIVER_FILES ?? process.env.VK_ICD_FILENAMES;
  const files = given?.split(":") ?? [];
  const folders = ["/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
  if (given === undefined)
    for (const folder of folders)
      if (existsSync(folder)) files.push(...readdirSync(folder).filter((name) => name.endsWith(".json")));
  return [...new Set(files.filter(Boolean).map((file) => basename(file, ".json")))].sort();
}

function nvidiaKernelDriver(): string | undefined {
  const text = textOf("/proc/driver/nvidia/version");
  return text === undefined ? undefined : (/\b\d{3}\.\d+(\.\d+)?\b/.exec(text)?.[0] ?? "unknown version");
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
