import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { checkMemory } from "../../src/train/memory-check.ts";
import { numeric } from "./tiny-run.ts";

describe("a run that does not fit", () => {
  using base = openBase(join(numeric, "models", "tiny-mistral"));
  // The software tier has no workspace of its own, which would dwarf a model this small.
  const device = { tier: "software", maxBindingBytes: 2 ** 30 } as const;
  const sizes = { train: true, targets: [], maxTokens: 2000, checkpointing: "none" } as const;
  const attempt = (budgetBytes: number, change: { maxTokens?: number } = {}) => {
    try {
      checkMemory(base, { ...sizes, ...change, budgetBytes }, device);
      return "fits";
    } catch (error) {
      return `${(error as Error).message} ${(error as { hint: string }).hint}`;
    }
  };

  test("is refused with what would fit, and that does fit", () => {
    const said = attempt(20e6);
    expect(said).toContain("expected a run of at most 19.1 MiB");
    const tokens = Number(/at most ([\d,]+) tokens/.exec(said)![1]!.replace(",", ""));
    expect(tokens).toBeGreaterThan(100);
    const full = { ...sizes, checkpointing: "full", maxTokens: tokens, budgetBytes: 20e6 } as const;
    expect(() => checkMemory(base, full, device)).not.toThrow();
    expect(() => checkMemory(base, { ...full, maxTokens: tokens + 128 }, device)).toThrow();
  });

  test("names 4 bits where they help, and says so when nothing does", () => {
    expect(attempt(2.5e6, { maxTokens: 64 })).toContain("--load-4bit");
    expect(attempt(1e5)).toContain("nothing of this base fits");
  });

  test("is refused when one buffer is larger than a binding, with the length whose buffers are not", () => {
    const small = { ...device, maxBindingBytes: 2 ** 20 };
    const long = { ...sizes, budgetBytes: 1e12 };
    expect(() => checkMemory(base, long, small)).toThrow(/buffers of at most 1\.00 MiB.*got one of/);
    const short = { ...long, maxTokens: 512 };
    expect(() => checkMemory(base, short, small)).not.toThrow();
  });

  test("is not refused when nobody knows the device's memory", () => {
    expect(() => checkMemory(base, sizes, device)).not.toThrow();
    expect(attempt(1e9)).toBe("fits");
  });
});
