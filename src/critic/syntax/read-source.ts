// One question for every language: does it parse, and what does it define?

import type { Extracted } from "../extract.ts";
import type { ProgramRunner } from "../run-program/contract.ts";
import { readPython, type SourceFacts } from "./python.ts";
import { readScript } from "./script.ts";
import { readShell } from "./shell.ts";

/** Reads the code; `undefined` where the language has no syntax or nothing here can read it.
 *  @throws InfrastructureError when there was no sandbox */
export async function readSource(
  { language, code }: Pick<Extracted, "language" | "code">,
  runner: ProgramRunner | undefined,
): Promise<SourceFacts | undefined> {
  switch (language) {
    case "python":
      return await readPython(code, runner);
    case "sh":
      return await readShell(code, runner);
    case "javascript":
    case "typescript":
      return { ...readScript(code, language), reader: "the TypeScript compiler" };
    case "json":
      return { fault: jsonFault(code), names: new Set(), reader: "JSON.parse" };
    default:
      return undefined;
  }
}

/** What keeps `text` from being one JSON value (RFC 8259). */
export function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
