// Python read without Python: ruff's parser as WebAssembly, with the rules of its linter that CPython's compiler has as errors.

import { initSync, PositionEncoding, Workspace } from "@astral-sh/ruff-wasm-web";
import wasm from "@astral-sh/ruff-wasm-web/ruff_wasm_bg.wasm" with { type: "file" };

/** break and continue outside a loop, return and yield outside a function, `*` twice, `__future__` late or unknown, await outside
 *  async, `import *` in a function, a bare except that is not the last, names declared nonlocal or global too late or both;
 *  besides everything that does not parse. */
const RULES =
  "F404 F406 F407 F621 F622 F701 F702 F704 F706 F707 PLE0115 PLE0117 PLE0118 PLE1142 PLE1700".split(" ");

let ready: Promise<Workspace> | undefined;

async function open(): Promise<Workspace> {
  const bytes = await Bun.file(String(wasm)).arrayBuffer();
  initSync({ module: new Uint8Array(bytes) });
  const settings = {
    preview: true,
    "target-version": "py313",
    lint: { select: RULES, preview: true, "explicit-preview-rules": false },
  };
  return new Workspace(settings, PositionEncoding.Utf16);
}

/** The first thing that keeps `source` from compiling, `line 3: what`; `undefined` when nothing does. */
export async function pythonFault(source: string): Promise<string | undefined> {
  ready ??= open();
  const workspace = await ready;
  // CPython refuses it before it reads anything.
  if (source.includes("\0")) return "line 1: source code cannot contain null bytes";
  const first = (workspace.check(source) as Diagnostic[]).toSorted(
    (one, other) => one.start_location.row - other.start_location.row,
  )[0];
  return first && `line ${first.start_location.row}: ${first.message}`;
}

/** Names of functions, classes and variables that `source` defines at its top. */
export async function pythonNames(source: string): Promise<ReadonlySet<string>> {
  ready ??= open();
  const names = new Set<string>();
  let tree: string;
  try {
    tree = (await ready).parse(source);
  } catch {
    return names;
  }
  // The tree is printed, four columns a level: a statement of the module begins at column 12, its fields at column 20.
  let kind = "";
  let field = "";
  for (const line of tree.split("\n")) {
    kind = /^ {12}(\w+)\($/.exec(line)?.[1] ?? kind;
    field = /^ {20}(\w+):/.exec(line)?.[1] ?? field;
    const id = /^ {24,}id: Name\("(.+)"\),$/.exec(line)?.[1];
    const defines = /^(FunctionDef|ClassDef)$/.test(kind) ? field === "name" : /^targets?$/.test(field);
    if (id === undefined || !defines) continue;
    if (kind === "Delete") names.delete(id);
    else names.add(id);
  }
  return names;
}

interface Diagnostic {
  readonly message: string;
  readonly start_location: { readonly row: number };
}
