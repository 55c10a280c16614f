// Shell read by dash -n in the sandbox. It labels; what an operator may type is nobody's business here.

import type { ProgramRunner } from "../run-program/contract.ts";
import type { SourceFacts } from "./python.ts";

/** Reads `source` with `dash -n`; `undefined` without a sandbox, for nothing else knows. dash says nothing about a here-document
 *  without an end, which this counts as a fault as POSIX leaves it undefined (XCU 2.7.4).
 *  @throws InfrastructureError when there was no sandbox */
export async function readShell(
  source: string,
  runner: ProgramRunner | undefined,
): Promise<SourceFacts | undefined> {
  if (runner === undefined) return undefined;
  const names = new Set(
    [...source.matchAll(/^[ \t]*([A-Za-z_]\w*)[ \t]*\(\)[ \t]*(?:\n[ \t]*)?[{(]/gm)].map(
      (match) => match[1]!,
    ),
  );
  const { status, stderr } = await runner.run(
    { language: "sh", source: "exec /bin/dash -n source.txt", files: { "source.txt": source } },
    { limits: { timeoutMs: 20_000 } },
  );
  const said = /^source\.txt: (\d+): (.*)$/m.exec(stderr);
  const fault =
    status === 0
      ? openHereDocument(source)
      : said
        ? `line ${said[1]}: ${said[2]}`
        : `dash ended with ${status}`;
  return { fault, names, reader: "dash -n" };
}

/** A here-document whose delimiter never comes. */
function openHereDocument(source: string): string | undefined {
  const lines = source.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^\s*#/.test(line)) continue;
    for (const match of withoutQuotes(line).matchAll(
      /(?<![<$(\d])\d?<<(-?)[ \t]*\\?(["']?)([A-Za-z_]\w*)\2(?!\w)/g,
    )) {
      const [, dash, , word] = match;
      const end = lines.findIndex((one, j) => j > i && (dash ? one.replace(/^\t+/, "") : one) === word);
      if (end < 0) return `line ${i + 1}: here-document without its end ${word}`;
      i = end;
    }
  }
  return undefined;
}

/** The line with quoted text blanked, except for a quoted delimiter. */
function withoutQuotes(line: string): string {
  return line.replace(/(<<-?[ \t]*)?(["'])(?:\\.|(?!\2).)*\2/g, (all, redirect) => (redirect ? all : '""'));
}
