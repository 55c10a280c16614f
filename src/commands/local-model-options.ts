// What commands that run models of this machine share: the options, the adapters' names, and what the models look like to them.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import type { Model } from "../agent/contract.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import { deviceOptions } from "../gpu/device-options.ts";

const group = "Base and adapters";

/** `--base --adapter --load-4bit --resident` and the device, shared by every command that runs models here. */
export const localModelOptions = {
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    group,
    aliases: ["model-name-or-path"],
    help: "base model: a Hugging Face directory or a GGUF file",
  },
  adapter: {
    type: "list",
    value: "[NAME=]DIR",
    group,
    help: "PEFT adapters to compare with the base; the name is the folder's unless given",
  },
  load4bit: {
    type: "flag",
    group,
    aliases: ["load-in-4bit"],
    help: "hold the base in 4 bits (NF4, double quantisation)",
  },
  chatTemplate: {
    type: "string",
    value: "FILE",
    group,
    help: "Jinja template in place of the base's own",
  },
  resident: {
    type: "string",
    value: "URL",
    alone: "auto",
    group,
    help: "use the base that a running `sekft resident` holds; alone: $SEKFT_RESIDENT, or http://127.0.0.1:8080",
  },
  ...deviceOptions,
} as const;

export type LocalModelFlags = Options<typeof localModelOptions>;

/** The base's name among the arms. */
export const baseArm = "base";

/** An adapter as the command line names it. */
export interface NamedAdapter {
  readonly name: string;
  readonly directory: string;
}

/** A model for the harness. */
export interface LocalArm {
  /** `base`, or the adapter's name. */
  readonly name: string;
  readonly model: Model;
}

/** Models that share one base. */
export interface LocalModels extends AsyncDisposable {
  /** The base, then the adapters in the order in which they were given. */
  readonly arms: readonly LocalArm[];
  /** Where they run, one line. */
  readonly device: string;
}

/** Room that the episodes need. */
export interface LocalModelSizes {
  /** Replies computed at once; more wait for a place in the batch. */
  readonly parallel: number;
  /** Tokens of the longest prompt. */
  readonly ctxBudget: number;
  /** Tokens of the longest reply. */
  readonly maxTokens: number;
}

/** Reads `--adapter`.
 *  @throws UserError for names that are empty or taken. */
export function namedAdapters(adapters: readonly string[] = []): NamedAdapter[] {
  const seen = new Set([baseArm]);
  return adapters.map((text) => {
    const at = text.indexOf("=");
    const directory = at > 0 ? text.slice(at + 1) : text;
    const name = at > 0 ? text.slice(0, at) : basename(resolve(directory));
    if (at === 0 || directory === "" || name === "")
      throw new UserError(`--adapter: expected DIR or NAME=DIR, got ${text}`);
    if (seen.has(name))
      throw new UserError(`--adapter ${text}: expected a name that is free, got ${name} again`, {
        hint: `give it another one: --adapter NAME=${directory}`,
      });
    seen.add(name);
    return { name, directory };
  });
}

/** Tokens of prompt and reply together.
 *  @throws UserError when there are more than `most`. */
export function contextFor({ ctxBudget, maxTokens }: LocalModelSizes, most: number, why: string): number {
  const tokens = ctxBudget + maxTokens + 1;
  if (tokens > most)
    throw new UserError(
      `--ctx-budget: expected at most ${most - maxTokens - 1} beside replies of ${maxTokens} tokens, got ${ctxBudget}`,
      { hint: `${most} tokens are what ${why}` },
    );
  return tokens;
}

/** What a manifest says of an adapter: its folder, and a hash over its configuration and its weights. */
export function adapterFacts(adapter: NamedAdapter | undefined): Readonly<Record<string, unknown>> {
  if (adapter === undefined) return { adapter: null };
  const hash = createHash("sha256");
  for (const file of ["adapter_config.json", "adapter_model.safetensors"])
    hash.update(readFileSync(join(adapter.directory, file)));
  return { adapter: adapter.directory, adapter_sha256: `sha256:${hash.digest("hex")}` };
}
