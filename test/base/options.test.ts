import { expect, test } from "bun:test";
import { closest, show } from "../../src/base/errors.ts";
import { findKey, flagName } from "../../src/base/options.ts";
import { openTerminal, printable } from "../../src/base/terminal.ts";

test("a key becomes the flag that transformers and PEFT use", () => {
  const flags = ["loraR", "load4bit", "adamBeta1", "perDeviceTrainBatchSize", "neftuneNoiseAlpha"].map(
    flagName,
  );
  expect(flags).toEqual([
    "lora-r",
    "load-4bit",
    "adam-beta1",
    "per-device-train-batch-size",
    "neftune-noise-alpha",
  ]);
});

test("every spelling of a name leads back to its key", () => {
  const table = {
    load4bit: { type: "flag", help: "" },
    adamBeta1: { type: "float", help: "", aliases: ["beta-1"] },
  } as const;
  for (const name of ["load-4bit", "load_4bit", "load4bit"]) expect(findKey(table, name)).toBe("load4bit");
  for (const name of ["adam-beta1", "adam_beta1", "adamBeta1", "beta-1", "beta_1"])
    expect(findKey(table, name)).toBe("adamBeta1");
  for (const name of ["load", "constructor", "", "__proto__"]) expect(findKey(table, name)).toBeUndefined();
});

test("a typo finds its word, and a stranger finds none", () => {
  const known = ["lora-r", "lora-alpha", "learning-rate"];
  expect(closest("lorar", known)).toBe("lora-r");
  expect(closest("learning-rat", known)).toBe("learning-rate");
  expect(closest("batch-size", known)).toBeUndefined();
});

test("values in messages are short and quoted", () => {
  expect(show('a"b\n')).toBe('"a\\"b\\n"');
  expect(show("x".repeat(200))).toHaveLength(82);
  expect([show(1.5), show(undefined), show(null), show({ a: [1] })]).toEqual([
    "1.5",
    "nothing",
    "null",
    '{"a":[1]}',
  ]);
});

test("what a terminal would obey is spelled out", () => {
  expect(printable("a\u001b]0;title\u0007\r\n\tb\u009b31m\u202etxt\u200b")).toBe(
    "a\\u{1b}]0;title\\u{7}\\u{d}\\n\\tb\\u{9b}31m\\u{202e}txt\\u{200b}",
  );
  expect(printable("漢字 é 🙂")).toBe("漢字 é 🙂");
});

test("a pipe is neither coloured nor interactive", () => {
  const run = (env: Record<string, string>) =>
    openTerminal({ json: false, quiet: false, color: true }, { ...process.env, ...env });
  // The test runner's own stdout decides; NO_COLOR and a dumb terminal win over it.
  expect(run({ NO_COLOR: "1" }).color).toBe(false);
  expect(run({ TERM: "dumb" })).toMatchObject({ color: false, interactive: false });
});
