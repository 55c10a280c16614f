// The files of a run that was counted: result.json, report.md, report.html.

import { join } from "node:path";
import { writeChunksAtomic, writeFileAtomic } from "../base/atomic.ts";
import type { EpisodeRecord } from "./record.ts";
import { reportHtml } from "./report/html.ts";
import { reportMarkdown } from "./report/markdown.ts";
import type { EvalResult } from "./result.ts";

/** Their names. */
export const RESULT_FILES = { data: "result.json", markdown: "report.md", page: "report.html" } as const;

/** Writes all three; the same episodes and manifest give the same bytes. */
export function writeResults(folder: string, result: EvalResult, records: readonly EpisodeRecord[]): void {
  writeFileAtomic(join(folder, RESULT_FILES.data), `${JSON.stringify(result, null, 1)}\n`);
  writeFileAtomic(join(folder, RESULT_FILES.markdown), reportMarkdown(result));
  writeChunksAtomic(join(folder, RESULT_FILES.page), encoded(reportHtml(result, records)));
}

function* encoded(texts: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const text of texts) yield encoder.encode(text);
}
