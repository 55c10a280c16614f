// Text as it comes out of tokens, against decoding all of them at once.

import { describe, expect, test } from "bun:test";
import { TextStream } from "../../src/generate/text-stream.ts";
import { goldenFormat, oddStrings, ownTokenizers } from "../data/golden-text.ts";

/** Pieces of a text as they come, and how it ended. */
function streamed(stream: TextStream, ids: Iterable<number>): { pieces: string[]; stopped: boolean } {
  const pieces: string[] = [];
  for (const id of ids) {
    const { text, stopped } = stream.push(id);
    pieces.push(text);
    if (stopped) return { pieces, stopped };
  }
  const { text, stopped } = stream.finish();
  return { pieces: [...pieces, text], stopped };
}

for (const name of ownTokenizers)
  describe(name, () => {
    const { tokenizer, endOfTurn } = goldenFormat(name);
    const special = new Set(tokenizer.addedTokens.filter((token) => token.special).map(({ id }) => id));

    test("pieces add up to the text, and no piece has half a character", () => {
      for (const text of [...oddStrings(60), "héllo 你好 👩‍👩‍👧 done", " leading space", "ls -l\n\n\tx"]) {
        const { ids } = tokenizer.encode(text);
        const { pieces } = streamed(new TextStream(tokenizer, []), ids);
        expect(pieces.join("")).toBe(tokenizer.decode(ids.filter((id) => !special.has(id))));
        if (!text.includes("\ufffd")) for (const piece of pieces) expect(piece).not.toContain("\ufffd");
      }
    });

    test("special tokens are no text", () => {
      const plain = tokenizer.encode("yes").ids;
      const { pieces } = streamed(new TextStream(tokenizer, []), [...plain, endOfTurn!.id]);
      expect(pieces.join("")).toBe(tokenizer.decode(plain));
    });

    test("a stop text ends the answer wherever its tokens begin and end, and nothing of it is told", () => {
      const text = "one two STOP three STO four";
      const { ids } = tokenizer.encode(text);
      for (const stop of ["STOP", "two STOP th", " S", "P three", "three STO f"]) {
        const { pieces, stopped } = streamed(new TextStream(tokenizer, [stop, "never"]), ids);
        expect({ stop, stopped, text: pieces.join("") }).toEqual({
          stop,
          stopped: true,
          text: text.slice(0, text.indexOf(stop)),
        });
      }
    });

    test("what only looked like a stop text is told in the end", () => {
      const { ids } = tokenizer.encode("one STO");
      const { pieces, stopped } = streamed(new TextStream(tokenizer, ["STOP"]), ids);
      expect({ stopped, text: pieces.join("") }).toEqual({ stopped: false, text: "one STO" });
    });
  });

test("the earliest of several stop texts counts", () => {
  const { tokenizer } = goldenFormat(ownTokenizers[0]!);
  const { ids } = tokenizer.encode("a b c d");
  const { pieces } = streamed(new TextStream(tokenizer, ["c", "b c"]), ids);
  expect(pieces.join("")).toBe(tokenizer.decode(tokenizer.encode("a ").ids));
});

test("bytes that never become a character are told as replacements in the end", () => {
  const { tokenizer } = goldenFormat(ownTokenizers[0]!);
  const emoji = tokenizer.encode("👾").ids;
  expect(emoji.length).toBeGreaterThan(1);
  const broken = emoji.subarray(0, emoji.length - 1);
  const { pieces } = streamed(new TextStream(tokenizer, []), broken);
  expect(pieces.slice(0, -1).join("")).toBe("");
  expect(pieces.join("")).toBe(tokenizer.decode(broken));
});
