// Makes dist/sekft: one file that holds the runtime, the kernels and the Dawn binding of one platform.
// usage: bun run scripts/build.ts [linux-x64|linux-arm64|darwin-arm64|windows-x64 ...] [--outdir DIR]

import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { sourceCommit } from "../src/base/version.ts";

/** Where each platform's binding lies in the npm package, and what the binary is called. */
const targets = {
  "linux-x64": { binding: "linux-x64", suffix: "" },
  "linux-arm64": { binding: "linux-arm64", suffix: "" },
  "darwin-arm64": { binding: "darwin-universal", suffix: "" },
  "windows-x64": { binding: "win32-x64", suffix: ".exe" },
} as const;
type Target = keyof typeof targets;

const root = join(import.meta.dir, "..");
const own = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { outdir: { type: "string", default: join(root, "dist") } },
});
const wanted = positionals.length > 0 ? positionals : [own];
const commit = sourceCommit(root);
const failures = [];
for (const target of wanted) {
  try {
    await build(target);
  } catch (error) {
    failures.push(target);
    console.error(`build ${target}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exit(failures.length === 0 ? 0 : 1);

async function build(name: string): Promise<void> {
  if (!Object.hasOwn(targets, name))
    throw new Error(`expected one of ${Object.keys(targets).join(", ")}, got ${JSON.stringify(name)}`);
  const target = targets[name as Target];
  const binding = join(root, "node_modules/webgpu/dist", target.binding, "dawn.node");
  if (!existsSync(binding))
    throw new Error(`${binding}: expected the Dawn binding, got nothing; run bun install`);
  mkdirSync(values.outdir, { recursive: true });
  // The binary of this machine has the plain name; the others say what they are for.
  const outfile = join(
    values.outdir,
    name === own ? `sekft${target.suffix}` : `sekft-${name}${target.suffix}`,
  );
  rmSync(outfile, { force: true });
  await compile(name as Target, outfile);
  const size = Bun.file(outfile).size;
  console.log(`${outfile}  ${(size / 2 ** 20).toFixed(0)} MiB  ${name}  commit ${commit}`);
}

async function compile(name: Target, outfile: string): Promise<void> {
  // A compiler of its own for each target: Bun keeps the platform of the first one for the folding of process.platform.
  const run = Bun.spawn(
    [
      process.execPath,
      "build",
      "--compile",
      `--target=bun-${name}`,
      "--sourcemap=inline",
      "--minify-syntax",
      "--minify-whitespace",
      "--format=esm",
      "--bytecode",
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      "--define",
      `SEKFT_COMMIT=${JSON.stringify(commit)}`,
      join(root, "cli.ts"),
      "--outfile",
      outfile,
    ],
    { cwd: root, stdout: "pipe", stderr: "pipe" },
  );
  const said = (await new Response(run.stdout).text()) + (await new Response(run.stderr).text());
  const ended = await run.exited;
  // The binary carries its source map; the copy beside it is not needed.
  for (const map of [`${outfile}.map`, `${outfile.replace(/\.exe$/, "")}.map`]) rmSync(map, { force: true });
  if (ended === 0 && existsSync(outfile)) return;
  const tail = said.trim().split("\n").slice(-5).join("\n");
  if (name !== own && /download|fetch|extract|registry|network|Connection|resolve host/i.test(said))
    throw new Error(
      `the Bun runtime for ${name} could not be fetched: run this where the npm registry answers\n${tail}`,
    );
  throw new Error(`bun build failed\n${tail}`);
}
