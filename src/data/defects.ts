// What is wrong with a well-formed trajectory: a verdict that contradicts itself, or commands that are no commands.

import { endingOf, plainTerminals, type TerminalWords } from "../base/terminal-words.ts";
import type { TrajectoryRecord } from "./trajectory.ts";

/** One thing wrong with a trajectory. */
export interface Defect {
  readonly complaint: string;
  /** The record contradicts itself, so it is not trained on; otherwise it is only reported. */
  readonly contradiction: boolean;
}

/** Judges one record by itself; public shapes, which carry no verdict, only by their turns.
 *  @param terminals what its turns call the endings */
export function findDefects(
  record: TrajectoryRecord,
  terminals: TerminalWords = record.terminals ?? plainTerminals,
): Defect[] {
  const defects: Defect[] = [];
  const contradiction = (complaint: string) => defects.push({ complaint, contradiction: true });
  const oddity = (complaint: string) => defects.push({ complaint, contradiction: false });
  const commands = record.turns.filter((turn) => turn.role === "assistant").map((turn) => turn.content);
  if (record.turns.length === 0) contradiction("no turns");
  else if (record.shape === "trajectory") judgeEnding(record, commands, terminals, contradiction);
  if (record.shape === "trajectory" && record.keep) judgeKeeping(record, contradiction);
  if (record.shape !== "trajectory") return defects;
  if (commands.some((command) => command.trim() === "")) oddity("blank assistant turn");
  if (commands.some((command) => /^\s*```/m.test(command))) oddity("assistant turn holds a markdown fence");
  if (commands.some(holdsProse)) oddity("assistant turn holds prose");
  return defects;
}

function judgeEnding(
  record: TrajectoryRecord,
  commands: readonly string[],
  terminals: TerminalWords,
  complain: (complaint: string) => void,
): void {
  const endings = commands.map((command) => endingOf(command, terminals));
  const last = endings.at(-1);
  const early = endings.findIndex((ending) => ending !== undefined);
  if (early >= 0 && early < endings.length - 1) {
    complain("turns after the terminal");
    return;
  }
  if (last === undefined) {
    if (record.keep) complain(`does not end in ${terminals.exit} or ${terminals.panic}`);
    return;
  }
  if (record.terminal !== last) {
    complain(`terminal says ${record.terminal}, the last turn says ${last}`);
    return;
  }
  const expected =
    record.outcome === "success" ? "exit" : record.outcome === "correct_panic" ? "panic" : undefined;
  if (expected !== undefined && last !== expected)
    complain(`ended in ${last}, the scenario expects ${expected}`);
}

function judgeKeeping(record: TrajectoryRecord, complain: (complaint: string) => void): void {
  if (record.outcome === "infrastructure_error") complain("infrastructure errors are never kept");
  else if (record.outcome !== "success" && record.outcome !== "correct_panic")
    complain(`keep is true but outcome is ${record.outcome}`);
  else if (record.verified !== true) complain("keep is true but verified is false");
}

/** A first line that reads as a sentence to a person: capitalised words and an ending that no command has. */
function holdsProse(command: string): boolean {
  const first = command.trimStart().split("\n", 1)[0]!.trim();
  return /^[A-Z][a-z]*[,!.]? /.test(first) && /[a-z][.:!?]$/.test(first) && first.split(" ").length >= 4;
}
