import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const sample = join(import.meta.dir, "sample.ts");
const folder = mkdtempSync(join(tmpdir(), "sekft-cli-"));

function run(...args: string[]) {
  const { NO_COLOR: _, COLUMNS: __, ...env } = process.env;
  const done = Bun.spawnSync([process.execPath, sample, ...args], { env });
  return { code: done.exitCode, out: done.stdout.toString(), err: done.stderr.toString() };
}

function config(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const shown = (...args: string[]) => JSON.parse(run("show", "--out", "o", ...args).out);

test("a command may have commands of its own below it, with options of the same names", () => {
  expect(JSON.parse(run("show", "pair", "a", "b", "--out", "x", "--json").out)).toEqual({
    first: "a",
    second: "b",
    out: "x",
  });
  expect(shown("--lora-r", "8").lora_r).toBe(8);
  expect(run("show", "pair", "--help").out).toContain("show pair FIRST SECOND [options]");
  expect(run("show", "pair", "--help").out).not.toContain("  --lora-r ");
  expect(run("show", "--help").out).toContain("Shows two words");
  expect(run("show", "pair", "a", "b", "c").err).toContain(
    'show pair: expected two words and options, got "c"',
  );
  expect(run("show", "pair", "a").err).toContain("--second");
  expect(run("show", "pair", "a", "b", "--lora-r", "8").err).toContain(
    "show pair: expected one of its options, got --lora-r",
  );
});

test("an option may mean something when it stands alone", () => {
  const near = (...words: string[]) => JSON.parse(run("show", "pair", "a", "b", ...words).out).near;
  expect([
    near(),
    near("--near"),
    near("--near", "--out", "x"),
    near("--near", "here"),
    near("--near=there"),
  ]).toEqual([undefined, "auto", "auto", "here", "there"]);
  expect(run("show", "pair", "--help").out).toContain("--near [URL]");
});

describe("options", () => {
  test("have the defaults of the table", () => {
    expect(shown()).toEqual({
      lora_r: 16,
      learning_rate: 2e-4,
      load_4bit: false,
      cache: true,
      tier: "auto",
      target_modules: ["q_proj", "v_proj"],
      max_length: 4096,
      out: "o",
      rank_pattern: null,
      eval_data: null,
      per_device_train_batch_size: 1,
    });
  });

  test("are read from flags in kebab and snake case, by alias and by letter", () => {
    const got = shown("--lora_r", "8", "--lr=1e-3", "--load-4bit", "--no-cache", "--eval-data", "x y");
    expect(got).toMatchObject({
      lora_r: 8,
      learning_rate: 1e-3,
      load_4bit: true,
      cache: false,
      eval_data: "x y",
    });
    expect(shown("-r", "4").lora_r).toBe(4);
    expect(shown("--cache", "false", "--load_4bit", "true")).toMatchObject({ cache: false, load_4bit: true });
  });

  test("that are lists take several words, commas and repetition", () => {
    expect(shown("--target-modules", "q_proj", "k_proj").target_modules).toEqual(["q_proj", "k_proj"]);
    expect(shown("--target-modules", "q_proj,k_proj").target_modules).toEqual(["q_proj", "k_proj"]);
    expect(shown("--target-modules", "a", "--target-modules", "b").target_modules).toEqual(["a", "b"]);
  });

  const wrong: [string[], string][] = [
    [["--lora-r", "abc"], '--lora-r: expected a whole number from 1 to 256, got "abc"'],
    [["--lora-r", "0"], '--lora-r: expected a whole number from 1 to 256, got "0"'],
    [["--lora-r", "257"], '--lora-r: expected a whole number from 1 to 256, got "257"'],
    [["--lora-r", "1.5"], '--lora-r: expected a whole number from 1 to 256, got "1.5"'],
    [["--lora-r", "0x10"], '--lora-r: expected a whole number from 1 to 256, got "0x10"'],
    [["--learning-rate", "-1"], '--learning-rate: expected a number of at least 0, got "-1"'],
    [["--learning-rate", "nan"], '--learning-rate: expected a number of at least 0, got "nan"'],
    [["--tier", "half"], '--tier: expected one of auto, f32, got "half"'],
    [["--tier", "atuo"], '--tier: expected one of auto, f32, got "atuo"\nhint: did you mean auto?'],
    [["--cache", "maybe"], '--cache: expected true or false, got "maybe"'],
    [["--lorar", "3"], "show: expected one of its options, got --lorar\nhint: did you mean --lora-r?"],
    [["--zzzzzz"], "show: expected one of its options, got --zzzzzz\nhint: sekft show --help lists them"],
    [["--lora-r"], "show: expected a value after --lora-r, got nothing"],
    [["here"], 'show: expected options only, got "here"'],
  ];
  for (const [args, message] of wrong)
    test(`that are wrong are refused with exit 2: ${args.join(" ")}`, () => {
      const { code, out, err } = run("show", "--out", "o", ...args);
      expect(err).toStartWith(`sekft: ${message.replace(" <X>", "")}`);
      expect({ code, out }).toEqual({ code: 2, out: "" });
    });

  test("that are required are asked for", () => {
    const { code, err } = run("show");
    expect(err).toStartWith(
      "sekft: --out: expected a value, got nothing\nhint: where to; give it as --out DIR",
    );
    expect(code).toBe(2);
  });
});

describe("a config file", () => {
  test("lies between flags and defaults, and takes keys in three spellings", () => {
    const file = config(
      "a.yaml",
      "# run\nlora-r: 8\nlearning_rate: 1e-3\nmaxLength: 512\nload-4bit: yes\nout: there\n",
    );
    const { out } = run("show", "--config", file, "--lora-r", "4");
    expect(JSON.parse(out)).toMatchObject({
      lora_r: 4,
      learning_rate: 1e-3,
      max_length: 512,
      load_4bit: true,
      out: "there",
      tier: "auto",
    });
  });

  test("may be the options.json of an earlier run", () => {
    const saved = run("show", "--out", "o", "--lr", "0.5", "--target-modules", "x").out;
    expect(run("show", "--config", config("options.json", saved)).out).toBe(saved);
  });

  test("keeps text as it was written", () => {
    const file = config("b.yaml", "out: 007\neval_data: 1e3\ntarget_modules: [1.0, b]\n");
    expect(JSON.parse(run("show", "--config", file).out)).toMatchObject({
      out: "007",
      eval_data: "1e3",
      target_modules: ["1.0", "b"],
    });
  });

  test("may hold a map where the option takes pairs", () => {
    const file = config("c.yaml", "out: o\nrank_pattern:\n  q_proj: 8\n  v_proj: 4\n");
    expect(JSON.parse(run("show", "--config", file).out).rank_pattern).toBe('{"q_proj":8,"v_proj":4}');
  });

  const wrong: [string, string, string][] = [
    [
      "an unknown key",
      "tier: f32\nlora_rr: 8\n",
      ':2: lora_rr: expected an option of this command, got "lora_rr"\nhint: did you mean lora-r?',
    ],
    [
      "a value of the wrong type",
      "\n\nlora_r: many\n",
      ':3: lora_r: expected a whole number from 1 to 256, got "many"',
    ],
    ["a value out of bounds", "lora_r: 0\n", ":1: lora_r: expected a whole number from 1 to 256, got 0"],
    [
      "a value that is no choice",
      "tier: f3\n",
      ':1: tier: expected one of auto, f32, got "f3"\nhint: did you mean f32?',
    ],
    ["a map where a value belongs", "tier:\n  a: 1\n", ':1: tier: expected one of auto, f32, got {"a":1}'],
    ["two spellings of one key", "lora_r: 8\nlora-r: 9\n", ":2: lora-r: expected each option once"],
    ["the same key twice", "lora_r: 8\nlora_r: 9\n", ":2: expected YAML, got Map keys must be unique"],
    ["a list of lines", "- a\n- b\n", ":1: expected `option: value` lines"],
    ["broken YAML", "lora_r: [1\n", ": expected YAML, got Flow sequence"],
  ];
  for (const [what, text, message] of wrong)
    test(`with ${what} is refused by file and line`, () => {
      const file = config("wrong.yaml", text);
      const { code, err } = run("show", "--out", "o", "--config", file);
      expect(err.replace(/:\d+: expected YAML, got Flow/, ": expected YAML, got Flow")).toStartWith(
        `sekft: ${file}${message}`,
      );
      expect(code).toBe(2);
    });

  test("that is not there or not text is refused", () => {
    const missing = run("show", "--config", join(folder, "none.yaml"));
    expect(missing.err).toContain("none.yaml: expected a readable YAML file, got no such file");
    expect(missing.code).toBe(2);
    const binary = join(folder, "binary.yaml");
    writeFileSync(binary, new Uint8Array([0x61, 0xff, 0xfe]));
    expect(run("show", "--config", binary).err).toContain("expected a readable YAML file, got");
  });
});

describe("--help", () => {
  test("is grouped and shows defaults, units, choices, bounds and examples", () => {
    const { code, out } = run("show", "--help");
    expect(code).toBe(0);
    for (const heading of ["LoRA:", "Training:", "Base:", "Global Options:", "Examples:"])
      expect(out).toContain(`\n${heading}\n`);
    expect(out.match(/^\w.*:$/gm)).toEqual([
      "LoRA:",
      "Training:",
      "Base:",
      "Options:",
      "Global Options:",
      "Commands:",
      "Examples:",
    ]);
    const squeezed = out.replace(/\s+/g, " ");
    expect(squeezed).toContain("-r, --lora-r <N> rank of the adapter [1..256; default 16]");
    expect(squeezed).toContain("--max-length <N> longest sequence [default 4096 tokens]");
    expect(squeezed).toContain("--tier <NAME> kernels [auto | f32; default auto]");
    expect(squeezed).toContain("--load-4bit base in NF4");
    expect(squeezed).toContain("--cache keep what was computed [on; --no-cache turns it off]");
    expect(squeezed).toContain("--target-modules <NAMES...> where LoRA goes [default q_proj,v_proj]");
    expect(squeezed).toContain("--out <DIR> where to [required]");
    expect(squeezed).toContain("sample show --out here --lora-r 8 a smaller adapter");
    expect(out).not.toContain("--lr");
    expect(out).not.toContain("--no-load-4bit");
  });

  test("keeps to 80 columns where the width is not known", () => {
    for (const line of run("show", "--help").out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("of a group lists its commands", () => {
    expect(run("fail", "--help").out).toContain("Fails in the way it is told to");
  });

  test("is what a program without a command shows, with exit 2", () => {
    for (const args of [[], ["fail"]]) {
      const { code, out, err } = run(...args);
      expect({ code, out }).toEqual({ code: 2, out: "" });
      expect(err).toContain("Usage: sample");
    }
  });
});

describe("commands", () => {
  test("that do not exist are refused with a suggestion", () => {
    const { code, err } = run("shwo");
    expect(err).toBe(
      'sekft: command line: expected one of show, fail, got "shwo"\nhint: did you mean show?\n',
    );
    expect(code).toBe(2);
    expect(run("fail", "noww").err).toContain(
      'fail: expected one of now, got "noww"\nhint: did you mean now?',
    );
  });

  test("answer --version wherever it stands", () => {
    expect(run("--version")).toEqual({ code: 0, out: "sample 1\n", err: "" });
    expect(run("show", "--version").out).toBe("sample 1\n");
  });
});
