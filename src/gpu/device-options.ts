// The options of every command that computes on a device: which kernels, and whether a CPU will do.

import { tiers } from "./facts.ts";

const group = "Device";

/** `--tier --require-gpu`. */
export const deviceOptions = {
  tier: {
    type: "string",
    choices: ["auto", ...tiers],
    default: "auto",
    group,
    help: "kernels to use",
  },
  requireGpu: { type: "flag", group, help: "refuse a CPU adapter" },
} as const;
