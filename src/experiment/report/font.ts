// The font of the figures, DejaVu Sans: which characters it has and how wide they are, so that no word is cut or lost in a picture.

import { readFileSync } from "node:fs";
import regular from "dejavu-fonts-ttf/ttf/DejaVuSans.ttf" with { type: "file" };
import bold from "dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf" with { type: "file" };

/** One face. */
export interface Face {
  readonly bytes: Uint8Array;
  has(codePoint: number): boolean;
  /** Of a line of text set at `size`, in the same unit. */
  width(text: string, size: number): number;
}

/** The faces that figures are set in. */
export interface Faces {
  readonly regular: Face;
  readonly bold: Face;
}

let loaded: Faces | undefined;

/** Reads both faces, once. */
export function figureFaces(): Faces {
  loaded ??= { regular: readFace(readFileSync(regular)), bold: readFace(readFileSync(bold)) };
  return loaded;
}

/** Tables `cmap` (format 12), `hhea` and `hmtx` of an OpenType font, ISO/IEC 14496-22. */
function readFace(bytes: Buffer): Face {
  const tables = new Map<string, number>();
  for (let i = 0; i < bytes.readUInt16BE(4); i++) {
    const at = 12 + 16 * i;
    tables.set(bytes.toString("latin1", at, at + 4), bytes.readUInt32BE(at + 8));
  }
  const unitsPerEm = bytes.readUInt16BE(tables.get("head")! + 18);
  const metrics = bytes.readUInt16BE(tables.get("hhea")! + 34);
  const widths = tables.get("hmtx")!;
  const groups = characterGroups(bytes, tables.get("cmap")!);
  const glyph = (codePoint: number): number => {
    let low = 0;
    let high = groups.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      const { first, last, start } = groups[middle]!;
      if (codePoint < first) high = middle - 1;
      else if (codePoint > last) low = middle + 1;
      else return start + codePoint - first;
    }
    return 0;
  };
  const advance = (codePoint: number) =>
    bytes.readUInt16BE(widths + 4 * Math.min(glyph(codePoint), metrics - 1));
  return {
    bytes,
    has: (codePoint) => glyph(codePoint) !== 0,
    width: (text, size) =>
      ([...text].reduce((sum, letter) => sum + advance(letter.codePointAt(0)!), 0) * size) / unitsPerEm,
  };
}

interface Group {
  readonly first: number;
  readonly last: number;
  /** Glyph of the first character. */
  readonly start: number;
}

function characterGroups(bytes: Buffer, cmap: number): Group[] {
  for (let i = 0; i < bytes.readUInt16BE(cmap + 2); i++) {
    const table = cmap + bytes.readUInt32BE(cmap + 4 + 8 * i + 4);
    if (bytes.readUInt16BE(table) !== 12) continue;
    return Array.from({ length: bytes.readUInt32BE(table + 12) }, (_, k) => {
      const at = table + 16 + 12 * k;
      return {
        first: bytes.readUInt32BE(at),
        last: bytes.readUInt32BE(at + 4),
        start: bytes.readUInt32BE(at + 8),
      };
    });
  }
  throw new Error("font: expected a character map of format 12, got none");
}

/** Text for a picture: characters that the font lacks, and those that draw nothing or move the pen, are spelled out as `[U+4E2D]`. */
export function drawable(text: string): string {
  const { regular: face } = figureFaces();
  return [...text.replace(/\s+/g, " ")]
    .map((letter) => {
      const codePoint = letter.codePointAt(0)!;
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\p{Cf}\p{Cs}\p{M}]/u.test(letter);
      return !unseen && face.has(codePoint)
        ? letter
        : `[U+${codePoint.toString(16).toUpperCase().padStart(4, "0")}]`;
    })
    .join("");
}
