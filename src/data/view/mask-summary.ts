// The totals of a data set in lines: what is trained, what fell away and why, what deserves a look.

import { formatCount, formatShare } from "../../base/format.ts";
import type { DatasetCounts } from "../dataset.ts";

/** Lines of totals, without a trailing blank line. */
export function summaryLines(counts: DatasetCounts): string[] {
  const lines: string[] = [];
  const say = (title: string, text: string) => lines.push(`${title.padEnd(14)}${text}`);
  const plural = (n: number, one: string, many = `${one}s`) => `${formatCount(n)} ${n === 1 ? one : many}`;
  say(
    "trajectories",
    `${formatCount(counts.trajectories)} of ${plural(counts.rows, "row")}${counts.notKept > 0 ? `, ${formatCount(counts.notKept)} not kept` : ""}`,
  );
  say(
    "tokens",
    `${formatCount(counts.tokens)}, trained ${formatCount(counts.trainedTokens)} (${formatShare(counts.trainedTokens, counts.tokens)})`,
  );
  const { exit, panic, none } = counts.terminals;
  say(
    "terminals",
    `exit ${formatCount(exit)}, panic ${formatCount(panic)}${none > 0 ? `, none ${formatCount(none)}` : ""}`,
  );
  if (counts.truncated > 0)
    say(
      "truncated",
      `${plural(counts.truncated, "row")}, ${plural(counts.truncatedTokens, "token")} cut on the left`,
    );
  const refused = Object.entries(counts.refused);
  const total = refused.reduce((sum, [, n]) => sum + n, 0);
  say(
    "refused",
    total === 0 ? "none" : `${formatCount(total)}: ${refused.map(([code, n]) => `${code} ${n}`).join(", ")}`,
  );
  const { overlong = 0, truncated_last_turn: lastTurn = 0 } = counts.refused;
  if (overlong + lastTurn > 0)
    say("too long", `${plural(overlong + lastTurn, "row")} of more than --max-length tokens left out`);
  if (counts.promptNotPrefix > 0)
    say(
      "prompt",
      `${formatCount(counts.promptNotPrefix)} of ${plural(counts.assistantTurns, "assistant turn")}: the context is not the prompt that a server would compute (--strict-prefix refuses these)`,
    );
  if (counts.straddling > 0)
    say("straddling", `${plural(counts.straddling, "turn")}: the first trained token holds template text`);
  if (counts.specialTurns > 0)
    say(
      "special",
      `${plural(counts.specialTurns, "turn")} with the spelling of a special token (--special-in-content refuse)`,
    );
  if (counts.markersDiffer > 0)
    say(
      "markers",
      `${plural(counts.markersDiffer, "row")}: {% generation %} trains other tokens than content and end of turn; the markers count`,
    );
  for (const [complaint, n] of Object.entries(counts.oddities))
    say("odd", `${plural(n, "row")}: ${complaint}`);
  return lines;
}
