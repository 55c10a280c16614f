// The options of every command that stands up worlds, and what they mean.

import type { Options } from "../base/options.ts";
import { defaultLimits, type SandboxLimits } from "./contract.ts";

const group = "Sandbox";
const MIB = 2 ** 20;

/** Options for a command's table. */
export const sandboxOptions = {
  sandbox: {
    type: "string",
    group,
    choices: ["auto", "docker", "bubblewrap"],
    default: "auto",
    help: "what worlds run in; auto takes Docker if an engine answers (DOCKER_HOST), or else bubblewrap",
  },
  image: {
    type: "string",
    group,
    value: "TAG|ID",
    help: "Docker image of the worlds; without it the one that `sandbox build` made, or makes now",
  },
  memory: {
    type: "int",
    group,
    default: defaultLimits.memoryBytes / MIB,
    min: 16,
    unit: "MiB",
    help: "memory of a world",
  },
  disk: {
    type: "int",
    group,
    default: defaultLimits.diskBytes / MIB,
    min: 1,
    unit: "MiB",
    help: "size of each directory that a world may write",
  },
  cpus: {
    type: "float",
    group,
    default: defaultLimits.cpus,
    min: 0.01,
    unit: "cores",
    help: "processor time of a world",
  },
  processes: {
    type: "int",
    group,
    default: defaultLimits.processes,
    min: 16,
    help: "processes of a world",
  },
  commandTimeout: {
    type: "float",
    group,
    default: defaultLimits.commandTimeoutMs / 1000,
    min: 0.1,
    unit: "seconds",
    help: "time of one command",
  },
  outputLimit: {
    type: "int",
    group,
    default: defaultLimits.outputBytes,
    min: 64,
    unit: "bytes",
    help: "output kept of one command, half from its head and half from its tail",
  },
} as const;

export type SandboxOptions = Options<typeof sandboxOptions>;

/** What one world may use. */
export function limitsOf(options: SandboxOptions): SandboxLimits {
  return {
    commandTimeoutMs: options.commandTimeout * 1000,
    outputBytes: options.outputLimit,
    memoryBytes: options.memory * MIB,
    diskBytes: options.disk * MIB,
    processes: options.processes,
    cpus: options.cpus,
  };
}
