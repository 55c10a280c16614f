// Turns a plain WGSL file into one variant of it. A file lists what may change, and nothing else can:
//   alias T = f32;           // spec: f32 | f16      the right-hand side may become any listed word
//   const TILE: u32 = 4u;    // spec: 1 | 2 | 4      likewise, written as a literal of the declared type
// `override` declarations are set by pipeline constants. `// include: name` appends kernels/lib/name.wgsl.

/** Values for the `// spec:` lines and the overrides of one kernel. */
export type Spec = Readonly<Record<string, string | number>>;

/** What a kernel file declares. */
export interface KernelSource {
  readonly name: string;
  readonly source: string;
}

/** A line that may be rewritten, and to what. */
export interface SpecLine {
  readonly key: string;
  readonly line: number;
  readonly current: string;
  readonly allowed: readonly string[];
}

const specPattern =
  /^\s*(?:alias|const)\s+(\w+)\s*(?::\s*\w+)?\s*=\s*([^;]+);\s*\/\/ spec:\s*([^,]+?)(?:,.*)?$/;
const overridePattern = /^\s*override\s+(\w+)\s*(?::\s*\w+)?\s*=/gm;
const includePattern = /^\/\/ include:\s*(.+)$/gm;

/** The `// spec:` lines of a source, in order. */
function specLines(source: string): SpecLine[] {
  return source.split("\n").flatMap((text, line) => {
    const match = specPattern.exec(text);
    if (!match) return [];
    return [
      {
        key: match[1]!,
        line,
        current: match[2]!.trim().replace(/u$/, ""),
        allowed: match[3]!.split("|").map((word) => word.trim()),
      },
    ];
  });
}

/** Names of the `override` declarations of a source. */
function overrideNames(source: string): string[] {
  return [...source.matchAll(overridePattern)].map((match) => match[1]!);
}

/** Writes one variant of a kernel.
 *  @returns its WGSL, the pipeline constants, and a label such as `rms_norm_forward[T=f16,WG=64]`.
 *  @throws Error on a key that the file does not declare, or a value that it does not list. */
export function specialise(
  kernel: KernelSource,
  spec: Spec,
  library: Readonly<Record<string, string>>,
): { code: string; constants: Record<string, number>; label: string } {
  const source = withIncludes(kernel, library);
  const lines = source.split("\n");
  const declared = new Map(specLines(source).map((line) => [line.key, line]));
  const overrides = new Set(overrideNames(source));
  const constants: Record<string, number> = {};
  for (const [key, value] of Object.entries(spec)) {
    const line = declared.get(key);
    if (line) {
      const word = String(value);
      if (!line.allowed.includes(word))
        throw new Error(`kernel ${kernel.name}: ${key} must be ${line.allowed.join(" | ")}, got ${word}`);
      lines[line.line] = lines[line.line]!.replace(
        /=\s*[^;]+;/,
        `= ${/^\d+$/.test(word) && lines[line.line]!.includes("u32") ? `${word}u` : word};`,
      );
    } else if (overrides.has(key)) constants[key] = Number(value);
    else
      throw new Error(
        `kernel ${kernel.name}: expected one of ${[...declared.keys(), ...overrides]}, got ${key}`,
      );
  }
  // On line 1 and without a newline, so that Dawn's line numbers are those of the file.
  const usesF16 = lines.some((text) => /\bf16\b/.test(text.replace(/\/\/.*$/, "")));
  const code = `${usesF16 ? "enable f16; " : ""}${lines.join("\n")}`;
  const written = Object.entries(spec).map(([key, value]) => `${key}=${value}`);
  return { code, constants, label: written.length ? `${kernel.name}[${written}]` : kernel.name };
}

/** Every combination of a source's `// spec:` values; overrides keep their defaults. */
export function variants(source: string): Spec[] {
  let all: Record<string, string>[] = [{}];
  for (const line of specLines(source))
    all = all.flatMap((spec) => line.allowed.map((word) => ({ ...spec, [line.key]: word })));
  return all;
}

function withIncludes(kernel: KernelSource, library: Readonly<Record<string, string>>): string {
  const wanted = [...kernel.source.matchAll(includePattern)].flatMap((match) => match[1]!.split(/[,\s]+/));
  const parts = wanted.filter(Boolean).map((name) => {
    const text = library[name];
    if (text === undefined)
      throw new Error(`kernel ${kernel.name}: expected kernels/lib/${name}.wgsl, got nothing`);
    return text;
  });
  return [kernel.source, ...parts].join("\n");
}
