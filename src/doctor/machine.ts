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
  /** Path of Docker's socket. */
  readonly docker: string | undefined;
  /** Path of bubblewrap. */
  readonly bubblewrap: string | undefined;
  readonly versions: {
    readonly sekft: string;
    readonly commit: string;
    readonly bun: string;
    readonly dawn: string;
  };
}

/** Asks for all of it. */
export function machineFacts(): MachineFacts {
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
    docker: dockerSocket(),
    bubblewrap: Bun.which("bwrap") ?? undefined,
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

function dockerSocket(): string | undefined {
  const given = process.env.DOCKER_HOST;
  if (given !== undefined && given !== "") return given;
  return existsSync("/var/run/docker.sock") ? "/var/run/docker.sock" : undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
