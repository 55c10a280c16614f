// The rules that keep the code base in shape. Each is a function from sources to complaints; no complaint means tidy.

import { readImports, type Sources, withoutComments } from "./sources.ts";

const gpuHalf = ["model", "ops", "gpu", "data", "formats", "base"];

const agentHalf = ["agent", "sandbox", "data", "formats", "base"];

/** Which folders of src a folder may import from, itself always included. `kernels` holds only texts. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  base: [],
  formats: ["base"],
  data: ["formats", "base"],
  gpu: ["base", "kernels"],
  ops: ["gpu", "base", "kernels"],
  model: ["ops", "gpu", "data", "formats", "base"],
  train: gpuHalf,
  generate: gpuHalf,
  doctor: gpuHalf,
  export: ["data", "formats", "base"],
  hub: ["data", "formats", "base"],
  serve: ["generate", "train", ...gpuHalf],
  sandbox: ["base", "docker"],
  agent: ["sandbox", "data", "base"],
  factory: agentHalf,
  eval: agentHalf,
  view: ["eval", "data", "formats", "base"],
  critic: ["bench", ...agentHalf],
  mix: ["data", "formats", "base"],
  embedded: ["base"],
  experiment: ["embedded", "train", "export", "factory", "eval", ...agentHalf],
  quickstart: ["experiment", "embedded", "train", "export", "factory", "eval", ...agentHalf],
  bench: ["critic", "eval", ...agentHalf],
  probe: ["bench", "critic", "eval", ...agentHalf],
  docker: [],
  commands: [
    "sandbox",
    "agent",
    "factory",
    "eval",
    "doctor",
    "export",
    "hub",
    "train",
    "generate",
    "serve",
    "view",
    "mix",
    "bench",
    "probe",
    "embedded",
    "experiment",
    "quickstart",
    "critic",
    "THIRD_PARTY_NOTICES.md",
    ...gpuHalf,
  ],
  "cli.ts": ["commands", "base"],
  kernels: [],
};

function areaOf(path: string): string {
  const [top, folder] = path.split("/");
  return top === "src" ? folder! : top!;
}

/** Folders import only what the table lists; `package.json` is free for all. */
export function forbiddenImports(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [from, targets] of readImports(sources)) {
    if (!/^(src|kernels)\/|^cli\.ts$/.test(from)) continue;
    const area = areaOf(from);
    const allowed = allowedImports[area];
    if (allowed === undefined) complaints.push(`${from}: src/${area} is not in the import table`);
    else
      for (const target of targets)
        if (target !== "package.json" && areaOf(target) !== area && !allowed.includes(areaOf(target)))
          complaints.push(`${from}: ${area} must not import ${areaOf(target)} (${target})`);
  }
  return complaints;
}

/** No file imports itself through others. */
export function importCycles(sources: Sources): string[] {
  const imports = readImports(sources);
  const done = new Set<string>();
  const complaints: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) complaints.push(`cycle: ${[...trail.slice(seen), path].join(" -> ")}`);
    if (seen >= 0 || done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return complaints;
}

/** Lines a file may have before it is refused, and before it is worth a second look. */
export const longest = { refused: 500, noted: 300, "cli.ts": 100 };

/** Code files longer than `limit` lines; cli.ts has its own, lower one. */
export function longFiles(sources: Sources, limit: number): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    if (!/^(src|kernels|test|scripts)\/.*\.(ts|wgsl|sh)$|^cli\.ts$/.test(path)) continue;
    const lines = source.split("\n").length - 1;
    const most = path === "cli.ts" ? longest["cli.ts"] : limit;
    if (lines > most) complaints.push(`${path}: ${lines} lines, more than ${most}`);
  }
  return complaints;
}

/** Every module is reached from cli.ts, a script, a test or a benchmark; src and kernels from cli.ts or a script. */
export function unusedFiles(sources: Sources): string[] {
  const imports = readImports(sources);
  const reach = (roots: string[]) => {
    const reached = new Set<string>();
    const visit = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const target of imports.get(path) ?? []) visit(target);
    };
    roots.forEach(visit);
    return reached;
  };
  const paths = [...sources.keys()].filter((path) => /\.(ts|wgsl)$/.test(path) && !path.endsWith(".d.ts"));
  const product = reach(paths.filter((path) => path === "cli.ts" || path.startsWith("scripts/")));
  const started = /\.test\.ts$|^test\/setup\.ts$|^test\/(bench|golden)\//;
  const tested = reach(paths.filter((path) => started.test(path) || isStartedByTest(path, sources)));
  return paths
    .filter((path) => !product.has(path) && (/^(src|kernels)\//.test(path) || !tested.has(path)))
    .map((path) => `${path}: nothing ${tested.has(path) ? "but tests " : ""}imports it`);
}

// A program that a test runs as a process is named in quotes there.
function isStartedByTest(path: string, sources: Sources): boolean {
  const quoted = `${path.split("/").at(-1)}"`;
  return [...sources].some(
    ([other, source]) => /^test\//.test(other) && other !== path && source.includes(quoted),
  );
}

const exported =
  /^export\s+(?:async\s+|abstract\s+|default\s+|declare\s+)*(function\*?|class|const|let|type|interface|enum)\s+(\w+)/gm;

/** An exported value is named in a file that imports it; an exported type there or in another export of its own file. */
export function unusedExports(sources: Sources): string[] {
  const importers = new Map<string, string[]>();
  for (const [from, targets] of readImports(sources))
    for (const target of targets) importers.set(target, [...(importers.get(target) ?? []), from]);
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    if (!/^(src|kernels|test)\/.*\.ts$/.test(path)) continue;
    for (const [, kind, name] of source.matchAll(exported)) {
      const word = new RegExp(`\\b${name}\\b`, "g");
      const elsewhere = (importers.get(path) ?? []).some((from) =>
        withoutComments(sources.get(from)!).match(word),
      );
      const isType = kind === "type" || kind === "interface";
      const here = isType && (withoutComments(source).match(word)?.length ?? 0) > 1;
      if (!elsewhere && !here) complaints.push(`${path}: nobody uses the export ${name}`);
    }
  }
  return complaints;
}

/** Names say what is inside. */
export function vagueNames(sources: Sources): string[] {
  const vague = /(^|\/)(utils?|helpers?|misc|common|manager)(\.|\/)/;
  return [...sources.keys()].filter((path) => vague.test(path)).map((path) => `${path}: say what it holds`);
}

/** Only src/gpu speaks WebGPU. */
export function strayGpu(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    if (!/^src\/(?!gpu\/).*\.ts$|^cli\.ts$/.test(path)) continue;
    const name = /\bGPU[A-Z]\w*|navigator\.gpu/.exec(withoutComments(source))?.[0];
    if (name) complaints.push(`${path}: ${name} belongs to src/gpu`);
  }
  return complaints;
}

// Put together from pieces, so that this file does not break its own rule.
const unfinished = new RegExp(`\\b(${["TO", "FIX"].map((half, i) => half + ["DO", "ME"][i]).join("|")})\\b`);
const elsewhere = new RegExp(
  [
    "(^|[\\s\"'`(=])/(work|home|root|Users)/\\w",
    "registry\\.\\w+\\.",
    "(?<![\\w-])pypi\\.\\w",
    "pythonhosted\\.",
    "(deb|ftp)\\.debian\\.",
    "archive\\.ubuntu\\.",
  ].join("|"),
);

// A maker of goldens may say where it was run.
const scratch = /\/tmp\/[\w.-]+\//;
// A recorded session names the home of its own world.
const session = /^docs\/experiments\/[\w-]+\/report\//;

/** No open ends, no path of one machine, no address of a package registry. */
export function bannedText(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources)
    for (const [i, line] of source.split("\n").entries()) {
      const place = path.endsWith(".py") ? null : scratch.exec(line);
      const own = session.test(path) ? line.replaceAll(/\/home\/(?=[a-z]+\b)/g, "~") : line;
      const found = unfinished.exec(own) ?? elsewhere.exec(own) ?? place;
      if (found && !path.startsWith("test/tidy"))
        complaints.push(`${path}:${i + 1}: ${JSON.stringify(found[0].trim())} does not belong here`);
    }
  return complaints;
}

/** A kernel opens with its own name and what it computes; and how it is dispatched; a part in lib opens with what it gives. */
export function kernelHeaders(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    const name = /^kernels\/(?:lib\/)?(\w+)\.wgsl$/.exec(path)?.[1];
    if (name === undefined) continue;
    const header = /^(\/\/.*\n)+/.exec(source)?.[0] ?? "";
    const isKernel = !path.includes("/lib/");
    if (!new RegExp(isKernel ? `^// ${name}\\b.{10}` : "^// .{20}").test(header))
      complaints.push(`${path}: expected a first line \`// ${name}: what it computes\``);
    else if (isKernel && !/dispatch/i.test(header))
      complaints.push(`${path}: expected the header to say its dispatch`);
  }
  return complaints;
}

/** The command table of the README holds each command once, and nothing else. Rows start with `| \`sekft <words>\``. */
export function commandTable(readme: string, names: readonly string[]): string[] {
  const rows = [...readme.matchAll(/^\| `sekft ([a-z]+(?: [a-z]+(?:\\\|[a-z]+)*)?)[ `]/gm)].map(
    ([, row]) => row!,
  );
  const written = rows.flatMap((row) => {
    const [first, last] = row.split(" ");
    return last === undefined ? [first!] : last.split("\\|").map((word) => `${first} ${word}`);
  });
  return [
    ...names.filter((name) => !written.includes(name)).map((name) => `README: no row for sekft ${name}`),
    ...written.filter((name) => !names.includes(name)).map((name) => `README: sekft ${name} is no command`),
    ...written.filter((name, i) => written.indexOf(name) !== i).map((name) => `README: two rows for ${name}`),
  ];
}

/** The annotated tree of the README names every folder of src and every entry of the root. */
export function annotatedTree(readme: string, entries: readonly string[]): string[] {
  return entries.filter((entry) => !readme.includes(entry)).map((entry) => `README: the tree lacks ${entry}`);
}

/** The first section of the changelog is what is not released yet. */
export function changelog(text: string): string[] {
  return /^# .*\n[\s\S]*?^## Unreleased$/m.test(text) && text.indexOf("## Unreleased") === text.indexOf("## ")
    ? []
    : ["CHANGELOG: expected `## Unreleased` as its first section"];
}

/** Links of a page lead to files that exist. */
export function brokenLinks(sources: Sources): string[] {
  const complaints: string[] = [];
  for (const [path, source] of sources) {
    if (!path.endsWith(".md")) continue;
    for (const [, link] of source.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      const target = new URL(link!, `file:///${path}`).pathname.slice(1).replace(/\/$/, "");
      if (![...sources.keys()].some((file) => file === target || file.startsWith(`${target}/`)))
        complaints.push(`${path}: ${link} leads nowhere`);
    }
  }
  return complaints;
}

/** A dependency is named in the product; a development dependency in a test, a script or a setting. */
export function unusedDependencies(
  sources: Sources,
  wanted: { readonly dependencies: object; readonly devDependencies: object; readonly scripts: object },
): string[] {
  const named = (name: string, where: RegExp) =>
    [...sources].some(([path, source]) => where.test(path) && new RegExp(`["'/ ]${name}["'/]`).test(source));
  const started = JSON.stringify(wanted.scripts);
  // Tools are started by a name of their own; types are found by the compiler.
  const tools: Readonly<Record<string, string>> = { "@biomejs/biome": "biome", typescript: "tsc" };
  // Asked for by @commander-js/extra-typings, which is commander with types.
  const peers = new Set(["commander"]);
  const isTool = (name: string) => started.includes(tools[name] ?? "\n") || name.startsWith("@types/");
  return [
    ...Object.keys(wanted.dependencies).filter(
      (name) => !peers.has(name) && !named(name, /^(src\/.*\.ts|cli\.ts)$/),
    ),
    ...Object.keys(wanted.devDependencies).filter(
      (name) => !isTool(name) && !named(name, /^(test|scripts)\/|^tsconfig/),
    ),
  ].map((name) => `package.json: nothing uses ${name}`);
}
