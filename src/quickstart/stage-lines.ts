// One line when a stage begins and one when it ends, numbered.

import type { Terminal } from "../base/command.ts";
import { formatCount, formatDuration, formatShare } from "../base/format.ts";
import type { StageRecord } from "../experiment/record.ts";
import { fold } from "./header.ts";
import { aboutWords, type Stage, stageLine, stageOf } from "./stages.ts";

/** Tells a person how far the experiment is. */
export class StageLines {
  private readonly begun = new Set<string>();
  private current: Stage | undefined;

  constructor(
    private readonly stages: readonly Stage[],
    private readonly terminal: Terminal,
  ) {}

  /** A stage of the experiment began or ended. */
  tell(record: StageRecord): void {
    const stage = stageOf(record, this.stages);
    if (stage === undefined) return;
    if (record.state === "begun") {
      // A stage that is stopped is begun once more, in the record.
      if (this.begun.has(record.id)) return;
      this.begun.add(record.id);
      this.begin(stage);
    } else if (record.state === "done") {
      const before = this.begun.has(record.id) ? "" : "done before: ";
      this.say(stage, `${before}${factWords(record)}in ${formatDuration(record.seconds)}`);
    }
  }

  /** What was being done: `[4/5] training`. */
  where(): string {
    const { current, stages } = this;
    return current === undefined ? "the beginning" : `[${current.number}/${stages.length}] ${current.name}`;
  }

  private begin(stage: Stage): void {
    this.current = stage;
    this.say(stage, `${stage.does}; about ${aboutWords(stage.seconds)}`);
  }

  private say(stage: Stage, text: string): void {
    const line = stageLine(stage, this.stages, text);
    const indent = line.length - text.length;
    // Names are padded with spaces, which a fold would swallow.
    for (const [i, part] of fold(text, this.terminal.columns - indent).entries())
      this.terminal.note(i === 0 ? line.slice(0, indent) + part : " ".repeat(indent) + part);
  }
}

/** What a stage came to, from the counts that it recorded; ends in a blank where there is anything. */
function factWords({ kind, facts }: StageRecord): string {
  const count = (name: string) => (typeof facts[name] === "number" ? (facts[name] as number) : undefined);
  const [part, whole] =
    kind === "sessions"
      ? [count("kept"), count("finished")]
      : kind === "eval"
        ? [count("clean"), count("episodes")]
        : [];
  const tokens = kind === "model" ? count("tokens") : undefined;
  if (tokens !== undefined) return `${formatCount(tokens)} tokens `;
  if (part === undefined || whole === undefined) return "";
  return kind === "eval"
    ? `clean ${part}/${whole} `
    : `${formatCount(part)} kept of ${formatCount(whole)} (${formatShare(part, whole)}) `;
}
