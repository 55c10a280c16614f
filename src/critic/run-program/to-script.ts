// TypeScript and modules as a script that any runtime evaluates: types taken away, imports made into require.

import ts from "typescript-api";

/** Translates `source`; lines stay where they were. */
export function toScript(source: string): string {
  return ts.transpileModule(source, {
    fileName: "program.ts",
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: true,
      alwaysStrict: false,
      removeComments: false,
    },
  }).outputText;
}
