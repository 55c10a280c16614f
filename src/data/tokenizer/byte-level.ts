// GPT-2's mapping of the 256 bytes to printable characters: the alphabet of every byte-level vocabulary.

function makeTable(): string[] {
  // Printable Latin-1 stands for itself; the other 68 bytes take U+0100 onwards, in order (openai/gpt-2 encoder.py).
  const table: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
    table.push(String.fromCharCode(printable ? byte : next++));
  }
  return table;
}

/** Character that stands for byte i. */
export const byteCharacters: readonly string[] = makeTable();

/** Byte that a character stands for. */
export const characterBytes: ReadonlyMap<string, number> = new Map(
  byteCharacters.map((c, byte) => [c, byte]),
);
