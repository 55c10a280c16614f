// Python read by CPython itself, in the sandbox: it compiles and never runs. Without one, by ruff.

import type { ProgramRunner } from "../run-program/contract.ts";
import { pythonFault, pythonNames } from "./ruff.ts";

/** What a program is, and who said so. */
export interface SourceFacts {
  /** The first fault, `line 3: what`. */
  readonly fault: string | undefined;
  /** Names that it defines at its top. */
  readonly names: ReadonlySet<string>;
  readonly reader: string;
}

const CHECK = `import ast, json, sys, warnings
warnings.simplefilter("ignore")
names = []
def take(body):
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.extend((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Delete):
            gone = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            names[:] = [name for name in names if name not in gone]
        elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            for part in ("body", "orelse", "finalbody"):
                take(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                take(handler.body)
        else:
            for target in getattr(node, "targets", [getattr(node, "target", None)]):
                names.extend(one.id for one in ast.walk(target) if isinstance(one, ast.Name)) if target else None
fault = None
try:
    source = open("source.txt", "rb").read().decode("utf8")
    tree = ast.parse(source, "candidate.py")
    compile(source, "candidate.py", "exec", dont_inherit=True)
    take(tree.body)
except SyntaxError as error:
    fault = f"line {error.lineno}: {error.msg}"
except (ValueError, RecursionError, MemoryError, OverflowError) as error:
    fault = f"{type(error).__name__}: {error}"
print(json.dumps([fault, names]))
`;

/** Reads `source` in the sandbox, or offline when `runner` is undefined or has no Python.
 *  @throws InfrastructureError when there was no sandbox */
export async function readPython(source: string, runner: ProgramRunner | undefined): Promise<SourceFacts> {
  if (!runner?.can("python")) {
    const fault = await pythonFault(source);
    return { fault, names: await pythonNames(source), reader: "ruff" };
  }
  const reader = `CPython ${runner.facts.python}`;
  const { status, stdout } = await runner.run(
    { language: "python", source: CHECK, files: { "source.txt": source } },
    { limits: { timeoutMs: 20_000, outputBytes: 4 * 2 ** 20 } },
  );
  // Deep nesting can exhaust the compiler's own stack.
  if (status !== 0) return { fault: `the compiler ended with status ${status}`, names: new Set(), reader };
  const [fault, names] = JSON.parse(stdout) as [string | null, string[]];
  return { fault: fault ?? undefined, names: new Set(names), reader };
}
