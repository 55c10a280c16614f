// Text that goes round in circles: loops of lines, n-grams that come again, a ratio of compression, phrases that fill.

import { deflateRawSync } from "node:zlib";
import type { Finding } from "./candidate.ts";

/** What is measured of a text. */
interface RepetitionMeasures {
  /** Most rounds that a loop of one to eight lines makes, one after the other. */
  readonly lineLoop: number;
  /** Lines of that loop. */
  readonly loopLines: number;
  /** Of all runs of eight words, the share that has been there before. */
  readonly ngramShare: number;
  /** Most rounds that a loop of one to twelve words makes within the text. */
  readonly wordLoop: number;
  /** Bytes by bytes deflated; 0 for a text too short to tell. */
  readonly compression: number;
  /** Phrases that say nothing. */
  readonly fillers: readonly string[];
}

/** From where a text counts as repeating. */
const REPETITION_LIMITS = {
  /** Rounds of a loop of lines. */
  lineLoop: 5,
  /** Rounds of a loop of words. */
  wordLoop: 8,
  /** Share of repeated 8-grams, in texts of 100 words and more. */
  ngramShare: 0.5,
  /** Ratio of compression, in texts of 600 bytes and more. */
  compression: 8,
  /** Different filler phrases. */
  fillers: 2,
} as const;

const FILLERS: readonly RegExp[] = [
  /\bas an ai(?: language)? (?:model|assistant)\b/i,
  /\bi hope (?:this|that) helps\b/i,
  /\blet me know if you (?:have|need|want|would like)\b/i,
  /\bfeel free to (?:ask|reach out|contact|let me know)\b/i,
  /\b(?:please )?don't hesitate to\b/i,
  /\bi'?(?:m| am) (?:just |only )?(?:here|happy|glad) to help\b/i,
  /\b(?:great|excellent|good) question\b/i,
  /\bit(?:'s| is) (?:important|worth|crucial) (?:to note|noting|to remember|mentioning)\b/i,
  /\bin (?:conclusion|summary), (?:it|this|we|the)\b/i,
  /\b(?:certainly|absolutely|of course|sure)[!,]? (?:here(?:'s| is| are)|i(?:'d| would|'ll| will| can))\b/i,
  /\bif you have any (?:further|more|other|additional) questions\b/i,
  /\bi (?:apologi[sz]e for|'m sorry for) (?:the|any) (?:confusion|inconvenience)\b/i,
  /\bi(?:'m| am) unable to (?:assist|help|provide)\b/i,
  /\bdelve into\b/i,
];

/** Measures `text`. */
function measureRepetition(text: string): RepetitionMeasures {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const words = text.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
  const bytes = Buffer.from(text);
  const loop = longestLoop(
    lines.filter((line) => line !== ""),
    8,
    (part) => part.some((line) => (line.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= 3),
  );
  const proper = text.match(/[\p{L}\p{N}_']+/gu) ?? [];
  return {
    lineLoop: loop.rounds,
    loopLines: loop.length,
    ngramShare: proper.length < 100 ? 0 : repeatedShare(proper, 8),
    // Loops of one word are judged by words; of marks, a ruler of dashes is no loop.
    wordLoop: longestLoop(words, 12, (part) => part.some((word) => /[\p{L}]{2}/u.test(word))).rounds,
    compression:
      bytes.byteLength < 600 ? 0 : bytes.byteLength / deflateRawSync(bytes, { level: 9 }).byteLength,
    fillers: FILLERS.map((filler) => filler.exec(text)?.[0]).filter((one) => one !== undefined),
  };
}

/** The loop of at most `longest` items that makes the most rounds without a break. */
function longestLoop<T>(
  items: readonly T[],
  longest: number,
  counts: (part: readonly T[]) => boolean,
): { rounds: number; length: number } {
  let best = { rounds: 1, length: 0 };
  for (let length = 1; length <= longest; length++) {
    let same = 0;
    for (let i = length; i < items.length; i++) {
      same = items[i] === items[i - length] ? same + 1 : 0;
      const rounds = Math.floor(same / length) + 1;
      if (rounds > best.rounds && counts(items.slice(i - length + 1, i + 1))) best = { rounds, length };
    }
  }
  return best;
}

/** Of all n-grams, the share that came before. */
function repeatedShare(words: readonly string[], n: number): number {
  const seen = new Set<string>();
  const all = words.length - n + 1;
  for (let i = 0; i < all; i++) seen.add(words.slice(i, i + n).join(" "));
  return (all - seen.size) / all;
}

/** Judges a response. `code` is left out of the search for filler phrases: a program may well print them. */
export function judgeRepetition(response: string, code: string | undefined): Finding {
  const measures = measureRepetition(response);
  const { lineLoop, wordLoop, ngramShare, compression } = measures;
  const prose = code === undefined ? response : response.replace(code, "");
  const fillers = code === undefined ? measures.fillers : measureRepetition(prose).fillers;
  const limits = REPETITION_LIMITS;
  const numbers = `line loop ${lineLoop}, word loop ${wordLoop}, repeated 8-grams ${(100 * ngramShare).toFixed(0)} %, compression ${compression.toFixed(1)}`;
  const reasons = [
    lineLoop >= limits.lineLoop &&
      `${measures.loopLines === 1 ? "a line" : `${measures.loopLines} lines`} ${lineLoop} times in a row`,
    wordLoop >= limits.wordLoop && `the same words ${wordLoop} times in a row`,
    ngramShare >= limits.ngramShare && `${(100 * ngramShare).toFixed(0)} % of its 8-grams were there before`,
    compression >= limits.compression && `it shrinks to a ${compression.toFixed(1)}th`,
    fillers.length >= limits.fillers && `filler: ${fillers.map((one) => JSON.stringify(one)).join(", ")}`,
  ].filter((reason) => reason !== false);
  return reasons.length > 0
    ? { value: false, evidence: `${reasons.join("; ")} (${numbers})` }
    : { value: true, evidence: numbers };
}
