// What an experiment borrows, without a GPU: training that writes an adapter of the right name, and a model that always says the same.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../src/base/atomic.ts";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import type { Machinery } from "../../src/experiment/machinery.ts";
import { openProvider } from "../../src/sandbox/open-provider.ts";
import { sandboxOptions } from "../../src/sandbox/sandbox-options.ts";
import { silent } from "../base/silent-terminal.ts";

/** A machinery, and what it was asked for. */
export function fakeMachinery(change: Partial<Machinery> = {}) {
  const trained: string[] = [];
  const opened: string[] = [];
  const machinery: Machinery = {
    base: async (path) => path,
    replay: async (file) => file,
    fingerprint: async () => "sha256:base",
    openSandbox: (given, told: Terminal) =>
      openProvider(resolveOptions(sandboxOptions, {}, given), (line) => told.note(line)),
    async train(options) {
      trained.push(options.out!);
      mkdirSync(options.out!, { recursive: true });
      const data = { sequences: 1, tokens: 10, labels: 5 };
      const manifest = {
        data,
        totalSteps: 1,
        trainableParameters: 1,
        tier: "none",
        device: { name: "none" },
      };
      writeFileAtomic(join(options.out!, "manifest.json"), JSON.stringify(manifest));
      writeFileSync(join(options.out!, "adapter_config.json"), "{}");
      writeFileSync(join(options.out!, "adapter_model.safetensors"), `seed ${options.seed}`);
    },
    async openModel({ name, adapter }) {
      opened.push(adapter ?? "base");
      return {
        arm: {
          name,
          model: {
            name,
            generate: async () => ({
              content: "exit",
              finish: "stop",
              promptTokens: 3,
              completionTokens: 1,
            }),
          },
          facts: async () => ({
            kind: "base",
            model: name,
            base_hash: null,
            adapter_hash: null,
            chat_template_hash: null,
            reported: null,
          }),
        },
        [Symbol.asyncDispose]: async () => {},
      };
    },
    inspectTerminals: async () => ({ logp: -1 }),
    ...change,
  };
  return { machinery, trained, opened };
}

/** A terminal that keeps what is said. */
export function listening(): { terminal: Terminal; said: string[] } {
  const said: string[] = [];
  const keep = (line: string) => void said.push(line);
  return { terminal: { ...silent, note: keep, warn: keep, out: keep }, said };
}
