// A trajectory on the terminal: its whole text, coloured by what is trained, and a table of its assistant turns.

import { cut, formatCount, formatShare, formatTable } from "../../base/format.ts";
import { type Encoded, MASKED, type Refused } from "../encode-trajectory.ts";
import { tokenPieces } from "./token-pieces.ts";

/** How wide, and whether colours may be used. */
export interface ViewStyle {
  readonly color: boolean;
  readonly columns: number;
}

const GREEN = "\x1b[1;32m";
const DIM = "\x1b[2m";
const RED = "\x1b[31m";
const BOLD = "\x1b[1m";
const RESET = "\x1b[0m";

/** Lines that show one row. Without colours, trained text stands between ⟦ and ⟧. */
export function maskLines(row: Encoded | Refused, index: number, style: ViewStyle): string[] {
  const paint = (code: string, text: string) => (style.color ? `${code}${text}${RESET}` : text);
  if ("refused" in row)
    return [paint(BOLD, `#${index} ${row.id}`), paint(RED, `refused: ${row.refused}: ${row.reason}`), ""];
  const trained = row.labels.reduce((sum, label) => sum + (label === MASKED ? 0 : 1), 0);
  const title = `#${index} ${row.id}: ${formatCount(row.inputIds.length)} tokens, ${formatCount(trained)} trained (${formatShare(trained, row.inputIds.length)})`;
  const cutNote = row.truncated > 0 ? `, ${formatCount(row.truncated)} cut on the left` : "";
  return [paint(BOLD, title + cutNote), ...coloured(row, style), "", ...turnTable(row, style), ""];
}

function coloured(row: Encoded, style: ViewStyle): string[] {
  const runs: { trained: boolean; text: string }[] = [];
  for (const piece of tokenPieces(row)) {
    const trained = piece.label !== MASKED;
    if (piece.dropped !== "") runs.push({ trained: false, text: piece.dropped });
    const last = runs.at(-1);
    if (last?.trained === trained) last.text += piece.text;
    else runs.push({ trained, text: piece.text });
  }
  const text = runs
    .map(({ trained, text: run }) => {
      if (!style.color) return trained ? `⟦${run}⟧` : run;
      // A colour is set anew on each line, so that a pager or a cut line keeps it.
      return run
        .split("\n")
        .map((line) => (line === "" ? "" : `${trained ? GREEN : DIM}${line}${RESET}`))
        .join("\n");
    })
    .join("");
  return text.replace(/\n$/, "").split("\n");
}

function turnTable(row: Encoded, style: ViewStyle): string[] {
  const right = { align: "right" } as const;
  const rows = row.turns.map((turn) => {
    const text = row.text.slice(turn.units[0], turn.units[2]);
    const outside =
      turn.outsideBefore === "" || turn.outsideBefore === " "
        ? ""
        : `straddles ${JSON.stringify(turn.outsideBefore)}`;
    const notes = [
      turn.trained ? "" : "not trained",
      turn.promptIsPrefix ? "" : "context is not the server's prompt",
      outside,
    ];
    return [
      String(turn.turn),
      `${turn.tokens[0]}-${turn.tokens[1] - 1}`,
      String(turn.tokens[1] - turn.tokens[0]),
      cut(JSON.stringify(text), 48),
      notes.filter((note) => note !== "").join("; "),
    ];
  });
  const columns = [
    { title: "turn", ...right },
    { title: "tokens", ...right },
    { title: "count", ...right },
    { title: "trained text" },
    { title: "notes" },
  ];
  return formatTable(columns, rows, style.columns);
}
