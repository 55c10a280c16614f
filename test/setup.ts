// Preloaded before every test file: says what the machine has, and makes a missing need a named skip or, in CI, a failure.
import { test } from "bun:test";

// Dawn's Vulkan loader wants a runtime directory; tests must not depend on a desktop session.
process.env.XDG_RUNTIME_DIR ??= "/tmp";

const required = new Set((process.env.SEKFT_REQUIRE ?? "").split(",").filter(Boolean));

/** `test` when the need is met; a named skip when not, or a failure when SEKFT_REQUIRE lists it. */
export function need(what: string, met: boolean): typeof test {
  if (met) return test;
  if (required.has(what)) {
    const failing = (name: string) =>
      test(name, () => {
        throw new Error(`SEKFT_REQUIRE lists ${what}, and this machine does not have it`);
      });
    return failing as unknown as typeof test;
  }
  const skipping = (name: string, run: () => void) => test.skip(`${name} (needs ${what})`, run);
  return skipping as unknown as typeof test;
}
