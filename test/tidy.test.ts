// The code base against its own rules, and each rule against a small input that breaks it.

import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { commands } from "../src/commands/index.ts";
import * as rules from "./tidy/rules.ts";
import { readSources, type Sources } from "./tidy/sources.ts";

const root = join(import.meta.dir, "..");
const sources = readSources(root);
const readme = sources.get("README.md") ?? "";

describe("the code base", () => {
  test("imports along the table", () => expect(rules.forbiddenImports(sources)).toEqual([]));
  test("has no import cycles", () => expect(rules.importCycles(sources)).toEqual([]));
  test("has no file of more than 500 lines", () => {
    for (const note of rules.longFiles(sources, rules.longest.noted)) console.warn(`worth a look: ${note}`);
    expect(rules.longFiles(sources, rules.longest.refused)).toEqual([]);
  });
  test("has no unused file", () => expect(rules.unusedFiles(sources)).toEqual([]));
  test("has no unused export", () => expect(rules.unusedExports(sources)).toEqual([]));
  test("names files after what they hold", () => expect(rules.vagueNames(sources)).toEqual([]));
  test("speaks WebGPU in src/gpu only", () => expect(rules.strayGpu(sources)).toEqual([]));
  test("has no open ends, machine paths or registry addresses", () =>
    expect(rules.bannedText(sources)).toEqual([]));
  test("has a header on each kernel", () => expect(rules.kernelHeaders(sources)).toEqual([]));
  test("uses every package it depends on", () =>
    expect(rules.unusedDependencies(sources, packageJson)).toEqual([]));
  test("has links that lead somewhere", () => expect(rules.brokenLinks(sources)).toEqual([]));
});

describe("the README", () => {
  const names = commands.map(({ name }) => name);
  test("lists exactly the commands there are", () => expect(rules.commandTable(readme, names)).toEqual([]));
  test("has a tree of every folder", () => {
    const paths = [...sources.keys()].filter((path) => path.startsWith("src/"));
    const folders = new Set(paths.map((path) => `src/${path.split("/")[1]}/`));
    const top = ["cli.ts", "kernels/", "test/", "scripts/", "docs/", "examples/", ".ci/run"];
    expect(rules.annotatedTree(readme, [...folders, ...top])).toEqual([]);
  });
  test("names scripts that exist", () => {
    for (const [script] of readme.matchAll(/\.\/scripts\/[\w-]+\.sh/g))
      expect(existsSync(join(root, script))).toBe(true);
  });
});

test("the changelog starts with what is unreleased", () =>
  expect(rules.changelog(sources.get("CHANGELOG.md") ?? "")).toEqual([]));

test("every command has two examples that name it", () => {
  for (const { name, examples } of commands) {
    expect({ name, enough: examples.length >= 2 }).toEqual({ name, enough: true });
    for (const { line } of examples) expect(line).toContain(`sekft ${name}`);
  }
});

describe("each rule refuses", () => {
  const files = (entries: Record<string, string>): Sources => new Map(Object.entries(entries));

  test("an import against the table, by whatever statement", () => {
    const down = 'import { a } from "../train/loop.ts";';
    for (const line of [
      down,
      'import type { a } from "../train/loop.ts";',
      'export * from "../train/loop.ts";',
      'const { a } = await import("../train/loop.ts");',
      'import {\n  a,\n  b,\n} from "../train/loop.ts";',
    ])
      expect(rules.forbiddenImports(files({ "src/gpu/x.ts": line, "src/train/loop.ts": "" }))).toEqual([
        "src/gpu/x.ts: gpu must not import train (src/train/loop.ts)",
      ]);
    expect(rules.forbiddenImports(files({ "src/train/x.ts": down, "src/train/loop.ts": "" }))).toEqual([]);
    expect(rules.forbiddenImports(files({ "src/gpu/x.ts": `// ${down}`, "src/train/loop.ts": "" }))).toEqual(
      [],
    );
    expect(rules.forbiddenImports(files({ "src/odd/x.ts": "" }))).toEqual([
      "src/odd/x.ts: src/odd is not in the import table",
    ]);
  });

  test("a cycle, types included", () => {
    const loop = {
      "src/base/a.ts": 'import type { B } from "./b.ts";',
      "src/base/b.ts": 'import { c } from "./c.ts";',
      "src/base/c.ts": 'import { a } from "./a.ts";',
    };
    expect(rules.importCycles(files(loop))).toEqual([
      "cycle: src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts",
    ]);
    expect(rules.importCycles(files({ ...loop, "src/base/c.ts": "" }))).toEqual([]);
  });

  test("a long file", () => {
    const long = files({
      "src/base/a.ts": "x\n".repeat(501),
      "cli.ts": "x\n".repeat(101),
      "docs/a.md": "x\n".repeat(900),
    });
    expect(rules.longFiles(long, 500)).toEqual([
      "src/base/a.ts: 501 lines, more than 500",
      "cli.ts: 101 lines, more than 100",
    ]);
  });

  test("a file that nothing imports, or only tests do", () => {
    const tree = {
      "cli.ts": 'import "./src/base/a.ts";',
      "src/base/a.ts": "",
      "src/base/b.ts": "",
      "src/base/c.ts": "",
      "kernels/k.wgsl": "",
      "test/b.test.ts": 'import "../src/base/b.ts";',
    };
    expect(rules.unusedFiles(files(tree))).toEqual([
      "src/base/b.ts: nothing but tests imports it",
      "src/base/c.ts: nothing imports it",
      "kernels/k.wgsl: nothing imports it",
    ]);
  });

  test("an export that nobody names", () => {
    const tree = {
      "src/base/a.ts":
        "export function used() {}\nexport const lost = 1;\nexport interface Shape {}\nexport type Gone = 1;\nconst x: Shape = {};",
      "src/base/b.ts": 'import { used } from "./a.ts";\nused();',
      "src/base/c.ts": "const lost = 2;",
    };
    expect(rules.unusedExports(files(tree))).toEqual([
      "src/base/a.ts: nobody uses the export lost",
      "src/base/a.ts: nobody uses the export Gone",
    ]);
  });

  test("vague names", () => {
    expect(
      rules.vagueNames(files({ "src/base/utils.ts": "", "src/helpers/a.ts": "", "src/base/a.ts": "" })),
    ).toEqual(["src/base/utils.ts: say what it holds", "src/helpers/a.ts: say what it holds"]);
  });

  test("WebGPU outside of its folder", () => {
    const buffer = "let b: GPUBuffer; // here";
    expect(
      rules.strayGpu(
        files({ "src/ops/a.ts": buffer, "src/gpu/a.ts": buffer, "src/base/a.ts": "// a GPUBuffer" }),
      ),
    ).toEqual(["src/ops/a.ts: GPUBuffer belongs to src/gpu"]);
  });

  test("open ends, machine paths and registry addresses", () => {
    for (const text of [
      "// TODO: later",
      "# FIXME",
      'read("/home/someone/data")',
      // Put together here, so that this file does not break the rule itself.
      `see ${"/"}root/x`,
      "/tmp/made/by-hand",
      `https://registry.${"npm"}js.org/x`,
      `http://${"deb"}.debian.org/debian`,
      `https://${"py"}pi.org/simple`,
      `files.${"python"}hosted.org`,
    ])
      expect({ text, complaints: rules.bannedText(files({ "src/a.ts": `ok\n${text}` })).length }).toEqual({
        text,
        complaints: 1,
      });
    expect(
      rules.bannedText(files({ "src/a.ts": `join(root, home) // the PyPI package; /tmp; .${"/"}work/x` })),
    ).toEqual([]);
    const report = (text: string) => rules.bannedText(files({ "docs/experiments/x/report/report.md": text }));
    expect(report('$ cd "/home/dina"')).toEqual([]);
    expect(report(`see ${"/"}root/x`)).toHaveLength(1);
  });

  test("a kernel without a header of its name and dispatch", () => {
    const good = "// add: y += x, element by element.\n// Dispatch ceil(n / WG).\n";
    expect(rules.kernelHeaders(files({ "kernels/add.wgsl": good }))).toEqual([]);
    expect(rules.kernelHeaders(files({ "kernels/sub.wgsl": good }))).toHaveLength(1);
    expect(rules.kernelHeaders(files({ "kernels/add.wgsl": good.split("\n")[0]! }))).toHaveLength(1);
    expect(rules.kernelHeaders(files({ "kernels/lib/add.wgsl": "fn add() {}" }))).toHaveLength(1);
  });

  test("a command table that lacks a command, or has one too many or twice", () => {
    const table = "| `sekft train` | x |\n| `sekft inspect mask\\|data` | x |\n";
    expect(rules.commandTable(table, ["train", "inspect mask", "inspect data"])).toEqual([]);
    expect(rules.commandTable(table, ["train", "inspect mask", "inspect data", "plan"])).toEqual([
      "README: no row for sekft plan",
    ]);
    expect(rules.commandTable(table, ["train", "inspect mask"])).toEqual([
      "README: sekft inspect data is no command",
    ]);
    expect(
      rules.commandTable(`${table}| \`sekft train\` | y |`, ["train", "inspect mask", "inspect data"]),
    ).toEqual(["README: two rows for train"]);
  });

  test("a package that nothing uses", () => {
    const tree = files({ "src/a.ts": 'import { z } from "zod";', "test/a.test.ts": 'import "@x/gguf/y";' });
    const wanted = {
      dependencies: { zod: "1", yaml: "1", "@x/gguf": "1" },
      devDependencies: { "@x/gguf": "1", typescript: "1", other: "1" },
      scripts: { check: "tsc" },
    };
    expect(rules.unusedDependencies(tree, wanted)).toEqual([
      "package.json: nothing uses yaml",
      "package.json: nothing uses @x/gguf",
      "package.json: nothing uses other",
    ]);
  });

  test("a tree without a folder, a changelog without its section, a link to nothing", () => {
    expect(rules.annotatedTree("src/base/", ["src/base/", "src/new/"])).toEqual([
      "README: the tree lacks src/new/",
    ]);
    expect(rules.changelog("# Changelog\n\n## 1.0.0\n\n## Unreleased\n")).toHaveLength(1);
    expect(rules.changelog("# Changelog\n\n## Unreleased\n\n- new\n")).toEqual([]);
    const pages = {
      "README.md": "[a](docs/a.md) [b](docs/b.md) [c](https://x.y)",
      "docs/a.md": "[up](../README.md)",
    };
    expect(rules.brokenLinks(files(pages))).toEqual(["README.md: docs/b.md leads nowhere"]);
  });
});
