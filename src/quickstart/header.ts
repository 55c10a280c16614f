// What a person is told before anything begins: what will happen, how long it takes about, where it goes.

import { formatBytes, formatCount, formatNumber } from "../base/format.ts";
import type { Settings } from "./settings.ts";
import { aboutWords, deviceWords, type Stage } from "./stages.ts";

/** Three lines; on a narrow terminal each may go over several. */
export function headerLines(settings: Settings, stages: readonly Stage[], folder: string): string[] {
  const { budget, device, asked } = settings;
  const whole = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  const parts = stages.map(({ name, seconds }) => `${name.replace("eval ", "")} ${aboutWords(seconds)}`);
  const speed = `${formatCount(device.tokensPerSecond)} tok/s on ${deviceWords(device)}`;
  const sessions = `${formatCount(budget.sessions)} sessions`;
  return [
    `A model of ${parameterWords(device.parameters)} parameters learns to operate a shell, in ${folder}`,
    `About ${aboutWords(whole)}: ${parts.join(", ")}`,
    asked.minutes === null
      ? `${sessions}, trained on at ${speed} in ${formatBytes(device.bytes)}; Ctrl-C loses nothing`
      : `${sessions} fit ${formatNumber(asked.minutes, 2)} minutes at ${speed}; Ctrl-C loses nothing`,
  ];
}

/** `2.4 million`, `135 million`, `7.2 billion`. */
function parameterWords(count: number): string {
  const [value, word] = count >= 1e9 ? [count / 1e9, "billion"] : [count / 1e6, "million"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${word}`;
}

/** `text` in lines of at most `columns`, broken between words; lines after the first are indented by `indent`. */
export function fold(text: string, columns: number, indent = 0): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line.trim() !== "" && Bun.stringWidth(longer) > columns) {
      lines.push(line);
      line = " ".repeat(indent) + word;
    } else line = longer;
  }
  return [...lines, line];
}
