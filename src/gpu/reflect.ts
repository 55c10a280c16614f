// Reads from a kernel's own text what it binds and which parameters it takes, so that neither is written twice.

/** One `@group(0) @binding(n) var<storage, ...>` of a kernel. */
export interface Binding {
  readonly name: string;
  readonly index: number;
  readonly writable: boolean;
}

/** One field of `struct Params`, passed as immediate data. */
export interface ParamField {
  readonly name: string;
  readonly type: "u32" | "i32" | "f32";
}

const bindingPattern = /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read_write|read)>\s*(\w+)\s*:/g;
const paramsPattern = /struct Params\s*\{([^}]*)\}/;

/** The storage bindings of a kernel, by index. */
export function bindingsOf(source: string): Binding[] {
  return [...source.matchAll(bindingPattern)]
    .map((match) => ({ index: Number(match[1]), writable: match[2] === "read_write", name: match[3]! }))
    .sort((a, b) => a.index - b.index);
}

/** The fields of a kernel's `struct Params`, in order; each takes 4 bytes. */
export function paramsOf(source: string): ParamField[] {
  const body = paramsPattern.exec(source)?.[1];
  if (body === undefined) return [];
  return [...body.replace(/\/\/.*$/gm, "").matchAll(/(\w+)\s*:\s*(u32|i32|f32)/g)].map((match) => ({
    name: match[1]!,
    type: match[2] as ParamField["type"],
  }));
}
