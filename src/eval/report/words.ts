// How reports write numbers and other people's text.

import type { Rate } from "../statistics/wilson.ts";

/** `14/16`. */
export function shareWords({ x, n }: Rate): string {
  return `${x}/${n}`;
}

/** `0.88 [0.64, 0.97]`; a dash over nothing. */
export function rateWords({ rate, low, high }: Rate): string {
  return rate === null ? "-" : `${rate.toFixed(2)} ${intervalWords({ low: low!, high: high! })}`;
}

/** `[0.64, 0.97]`; a dash without an interval. */
export function intervalWords(interval: { readonly low: number; readonly high: number } | null): string {
  return interval === null ? "-" : `[${interval.low.toFixed(2)}, ${interval.high.toFixed(2)}]`;
}

/** `+0.25`; a dash without a difference. */
export function deltaWords(delta: number | null): string {
  return delta === null ? "-" : `${delta < 0 ? "-" : "+"}${Math.abs(delta).toFixed(2)}`;
}

/** `0.031`, `<0.001`. */
export function pWords(p: number): string {
  return p < 0.001 ? "<0.001" : p.toFixed(3);
}

/** Text that HTML shows as it is. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Output of programs as HTML: escaped, and characters that draw, move or hide made visible. Line ends and tabs stay. */
export function outputHtml(text: string): string {
  return escapeHtml(visibleText(text));
}

/** Output of programs with characters that draw, move or hide made visible. Line ends and tabs stay. */
export function visibleText(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it shows
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g,
    (c) => {
      const code = c.charCodeAt(0);
      return code < 0x20
        ? String.fromCharCode(0x2400 + code)
        : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    },
  );
}

/** Text in a Markdown table's cell or line: no tag, link, code or emphasis comes out of it. */
export function markdownText(text: string): string {
  return text
    .replace(/\s+/g, " ")
    .replace(/[\\`*<>|&]/g, (c) => `\\${c}`)
    .replaceAll("](", "]\\(");
}
