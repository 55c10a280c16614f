// The files of a report: report.md, report.html, figures as SVG and PNG, model cards. The same folder gives the same bytes.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { writeChunksAtomic, writeFileAtomic } from "../../base/atomic.ts";
import { writeCards } from "./cards.ts";
import { type Composed, compose } from "./compose.ts";
import type { Block } from "./document.ts";
import { type Figure, svgFile } from "./drawing.ts";
import type { SetFindings } from "./findings.ts";
import { reportMarkdown } from "./markdown.ts";
import { reportPage } from "./page.ts";
import { toPng } from "./png.ts";
import { readRecorded } from "./recorded.ts";

/** What was written, and what it says. */
export interface WrittenReport {
  /** Paths, report.md and report.html first. */
  readonly files: readonly string[];
  /** Damage, unfinished stages, unlike versions: the sentences at the head of the report. */
  readonly warnings: readonly string[];
  /** Rates and comparisons of the arms in the experiment's file, set by set. */
  readonly sets: readonly SetFindings[];
}

/** Writes the report of the experiment in `folder`, finished or not.
 *  @param out folder of the report; `report` inside the experiment unless given
 *  @throws UserError or DataError where experiment.json is missing or damaged, or nothing can be written */
export async function writeReport(folder: string, out?: string): Promise<WrittenReport> {
  const own = join(folder, "report");
  const written = await writeTo(out ?? own, folder);
  // Elsewhere there may be files of other people.
  if (out === undefined) removeOthers(own, written.files);
  return written;
}

async function writeTo(out: string, folder: string): Promise<WrittenReport> {
  const recorded = readRecorded(folder);
  const { report, sets, all, warnings }: Composed = compose(recorded);
  const figures = report.sections.flatMap(({ blocks }) => blocks.flatMap(figureOf));
  const files = [join(out, "report.md"), join(out, "report.html")];
  for (const figure of figures) {
    const svg = svgFile(figure);
    const stem = join(out, "figures", figure.name);
    writeFileAtomic(`${stem}.svg`, svg);
    writeFileAtomic(`${stem}.png`, await toPng(svg));
    files.push(`${stem}.svg`, `${stem}.png`);
  }
  const cards = writeCards(recorded, all, join(out, "cards"));
  const [first, ...rest] = report.sections;
  const cardList: Block[] =
    cards.files.length + cards.notes.length === 0
      ? []
      : [
          {
            kind: "list",
            items: [
              ...cards.files
                .filter((file) => file.endsWith(".md"))
                .map((file) => `Model card: ${relative(out, file)}`),
              ...cards.notes,
            ],
          },
        ];
  const whole = {
    ...report,
    sections: [
      first!,
      ...rest,
      ...(cardList.length === 0 ? [] : [{ title: "Model cards", blocks: cardList }]),
    ],
  };
  // The texts last: they name the other files.
  writeFileAtomic(files[0]!, reportMarkdown(whole));
  writeChunksAtomic(files[1]!, encoded(reportPage(whole)));
  return { files: [...files, ...cards.files], warnings, sets };
}

/** Figures and cards of an earlier report that this one does not have. */
function removeOthers(out: string, written: readonly string[]): void {
  for (const part of ["figures", "cards"]) {
    if (!existsSync(join(out, part))) continue;
    for (const name of readdirSync(join(out, part)))
      if (!written.includes(join(out, part, name)) && /\.(svg|png|md)$/.test(name))
        rmSync(join(out, part, name));
  }
}

function figureOf(block: Block): Figure[] {
  return block.kind === "figure" ? [block.figure] : [];
}

function* encoded(texts: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const text of texts) yield encoder.encode(text);
}
