// Writes THIRD_PARTY_NOTICES.md: whose software and fonts the binary carries, and under which licences.
// usage: bun run notices

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
/** Where the page lies. */
export const noticesPath = join(root, "THIRD_PARTY_NOTICES.md");

interface Package {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly source: string;
  /** The licence as the package ships it; empty where it ships none. */
  readonly text: string;
}

const head = `# Third-party notices

The binary \`sekft\` carries, whole or in part, the software and fonts below. \`sekft notices\` prints this page, which \`bun run notices\` makes
from the installed packages. It is compiled with Bun (MIT, <https://github.com/oven-sh/bun>, which lists what it links) and holds Dawn
(BSD-3-Clause, <https://dawn.googlesource.com/dawn>) as \`webgpu\` ships it. Sources of what is under MPL-2.0 are at the address given.
`;

/** Every package that the program depends on, itself or by another, types left out. */
function packages(): Package[] {
  const found = new Map<string, Package>();
  const visit = (name: string, from: string): void => {
    const at = [join(from, "node_modules", name), join(root, "node_modules", name)].find((folder) =>
      existsSync(join(folder, "package.json")),
    );
    if (at === undefined) throw new Error(`expected ${name} in node_modules, got none: bun install`);
    if (found.has(at)) return;
    const manifest = JSON.parse(readFileSync(join(at, "package.json"), "utf8"));
    found.set(at, describe(at, manifest));
    for (const next of Object.keys(manifest.dependencies ?? {})) visit(next, at);
  };
  const own = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of Object.keys(own.dependencies)) visit(name, root);
  const unique = new Map([...found.values()].map((each) => [`${each.name}@${each.version}`, each]));
  return [...unique.values()]
    .filter(({ name }) => !/^@types\/|-types$|\/types$|extra-typings$/.test(name))
    .sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
}

// biome-ignore lint/suspicious/noExplicitAny: what authors write into package.json
function describe(at: string, manifest: any): Package {
  const licence =
    manifest.license ?? manifest.licenses?.map(({ type }: { type: string }) => type).join(" or ");
  const source = manifest.repository?.url ?? manifest.repository ?? manifest.homepage ?? "";
  const files = readdirSync(at)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort();
  const text = files.map((file) => readFileSync(join(at, file), "utf8").replaceAll("\r\n", "\n").trim());
  return {
    name: manifest.name,
    version: manifest.version,
    licence: /^SEE LICEN/.test(licence) ? "Bitstream Vera and public domain" : licence,
    source: address(source),
    text: text.join("\n\n"),
  };
}

/** The address of a repository, whichever of npm's forms it has. */
function address(source: string): string {
  const plain = source
    .replace(/^(git\+|github:)/, "")
    .replace(/^git@github\.com:/, "")
    .replace(/\.git$/, "");
  return plain
    .replace(/^(git|http):\/\/github/, "https://github")
    .replace(/^(?=[\w-]+\/[\w.-]+$)/, "https://github.com/");
}

/** The page. Packages under the very same text share it. */
export function notices(): string {
  const all = packages();
  const texts = [...new Set(all.map(({ text }) => text).filter(Boolean))];
  const row = ({ name, version, licence, source, text }: Package) =>
    `| ${name} ${version} | ${licence} | ${source && `<${source}>`} | ${text && `[${texts.indexOf(text) + 1}](#${texts.indexOf(text) + 1})`} |`;
  const fence = (text: string) => `\`\`\`\`text\n${text.replace(/[ \t]+$/gm, "")}\n\`\`\`\``;
  return [
    head,
    "| package | licence | source | text |\n|---|---|---|---|",
    `${all.map(row).join("\n")}\n`,
    ...texts.map((text, i) => `## ${i + 1}\n\n${fence(text)}\n`),
  ].join("\n");
}

if (import.meta.main) writeFileSync(noticesPath, notices());
