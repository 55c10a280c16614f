// Masks against goldens that were made by two methods of transformers, and what each option refuses or cuts.

import { describe, expect, test } from "bun:test";
import { DataError } from "../../src/base/errors.ts";
import { type ChatFormat, findEndOfTurn } from "../../src/data/chat/chat-format.ts";
import { ChatTemplate } from "../../src/data/chat/chat-template.ts";
import {
  BASE_LABEL,
  type Encoded,
  type EncodeOptions,
  encodeTrajectory,
  MASKED,
  type Refused,
} from "../../src/data/encode-trajectory.ts";
import { normalizeForTemplate, type Turn } from "../../src/data/normalize.ts";
import { maskJson } from "../../src/data/view/mask-json.ts";
import { goldenFormat, goldenRows, type MaskRow, tokenizerNames } from "./golden-text.ts";

const plain: EncodeOptions = {
  maxLength: 4096,
  overlong: "drop",
  strictPrefix: false,
  specialInContent: "keep",
};
const smol = "smollm2-135m-instruct";

function encode(
  turns: readonly Turn[],
  options: Partial<EncodeOptions> = {},
  format: ChatFormat = goldenFormat(smol),
): Encoded | Refused {
  return encodeTrajectory({ id: "t", place: { file: "t.jsonl", line: 3 }, turns }, format, {
    ...plain,
    ...options,
  });
}

function encoded(...args: Parameters<typeof encode>): Encoded {
  const result = encode(...args);
  if ("refused" in result) throw new Error(`${result.refused}: ${result.reason}`);
  return result;
}

const withTemplate = (source: string, name = smol): ChatFormat => {
  const format = goldenFormat(name);
  const { bosToken, eosToken } = format;
  const template = new ChatTemplate(source, { bos_token: bosToken!, eos_token: eosToken! }, "t.jinja");
  return {
    ...format,
    template,
    endOfTurn: findEndOfTurn(format.tokenizer, template, { bosToken, eosToken }),
  };
};
const trainedText = (row: Encoded) =>
  [...row.labels]
    .map((label, k) =>
      label === MASKED
        ? ""
        : row.text.slice(row.encoding.starts[k + row.truncated]!, row.encoding.ends[k + row.truncated]!),
    )
    .join("");

describe.each(tokenizerNames)("%s", (name) => {
  test("all 32 mask goldens: normalised turns, text, ids, offsets, mask, prompt prefixes", () => {
    const rows = goldenRows<MaskRow>(`mask/${name}.jsonl`);
    expect(rows).toHaveLength(32);
    for (const row of rows) {
      const result = encodeTrajectory(
        { id: row.id, place: { file: "t" }, turns: row.messages },
        goldenFormat(name),
        plain,
      );
      if (row.refused !== undefined) {
        expect(result).toMatchObject({ id: row.id, refused: row.refused });
        continue;
      }
      const { id, text, input_ids, offsets, trained, trained_count, turns } = row;
      expect(JSON.parse(maskJson(result, goldenFormat(name)))).toEqual({
        id,
        text,
        input_ids,
        offsets,
        trained,
        trained_count,
        turns,
      });
      expect(normalizeForTemplate(row.messages).map(({ role, content }) => ({ role, content }))).toEqual([
        ...row.normalized,
      ] as never);
    }
  });
});

test("all 20 conversations that must be refused are, for their reason", () => {
  const rows = goldenRows<{
    id: string;
    tokenizer: string;
    messages: Turn[];
    template?: string;
    max_tokens?: number;
    refused: string;
    reason: string;
  }>("refused.jsonl");
  expect(rows).toHaveLength(20);
  for (const row of rows) {
    if (row.id === "refused/04") {
      // A syntax error is found before any row is read.
      expect(() => withTemplate(row.template!)).toThrow("expected a chat template that parses");
      continue;
    }
    const format =
      row.template === undefined ? goldenFormat(row.tokenizer) : withTemplate(row.template, row.tokenizer);
    const result = encode(row.messages, { maxLength: row.max_tokens ?? 4096 }, format) as Refused;
    expect({ id: row.id, refused: result.refused }).toEqual({
      id: row.id,
      refused: row.refused as Refused["refused"],
    });
    if (["template_error", "content_changed", "truncated_last_turn", "no_end_of_turn"].includes(row.refused))
      expect(result.reason).toBe(row.reason);
  }
});

const session: Turn[] = [
  { role: "user", content: "$ " },
  { role: "assistant", content: "ls" },
  { role: "user", content: "a\n$ " },
  { role: "assistant", content: "exit" },
];

describe("weights", () => {
  test("a turn with train: false or weight 0 is context", () => {
    for (const mute of [{ train: false }, { weight: 0 }])
      expect(trainedText(encoded(session.map((turn, i) => (i === 1 ? { ...turn, ...mute } : turn))))).toBe(
        "exit<|im_end|>",
      );
  });
  test("other weights go with each token, also inside a merged turn", () => {
    const row = encoded([
      session[0]!,
      { role: "assistant", content: "cd /tmp", weight: 0.5 },
      { role: "assistant", content: "ls", weight: 2 },
    ]);
    const { text, weights, labels } = row;
    const byWeight = (weight: number) =>
      [...labels]
        .flatMap((label, k) =>
          label !== MASKED && weights![k] === weight
            ? [text.slice(row.encoding.starts[k], row.encoding.ends[k])]
            : [],
        )
        .join("");
    expect(byWeight(0.5)).toBe("cd /tmp\n");
    expect(byWeight(2)).toBe("ls<|im_end|>");
  });
  test("--keep-base labels turns of weight 0 with the base's own word, and never a slip", () => {
    const muted = [
      session[0]!,
      { role: "assistant", content: "cta x", train: false },
      { role: "user", content: "cta: not found\n$ " },
      { role: "assistant", content: "cat x", weight: 0 },
      ...session.slice(2),
    ] as const;
    const row = encoded(muted, { keepBase: 0.25 });
    const pieces = (wanted: (label: number, id: number) => boolean, weight: number) =>
      [...row.labels]
        .flatMap((label, k) =>
          wanted(label, row.inputIds[k]!) && row.weights![k] === weight
            ? [row.text.slice(row.encoding.starts[k], row.encoding.ends[k])]
            : [],
        )
        .join("");
    expect(pieces((label) => label === BASE_LABEL, 0.25)).toBe("cat x<|im_end|>");
    expect(pieces((label, id) => label === id, 1)).toBe("exit<|im_end|>");
    expect(row.labels.filter((label) => label !== MASKED).length).toBe(
      row.weights!.filter((weight) => weight !== 0).length,
    );
    expect(encoded(muted).labels).not.toContain(BASE_LABEL);
    // Something of its own must be left to learn.
    expect(encode(muted.slice(0, 5), { keepBase: 0.25 })).toMatchObject({ refused: "all_masked" });
  });
  test("without weights there is no weight array", () => expect(encoded(session).weights).toBeUndefined());
  test("a row of muted turns is refused", () =>
    expect(encode(session.map((turn) => ({ ...turn, train: false })))).toMatchObject({
      refused: "all_masked",
    }));
});

describe("rows that are too long", () => {
  const total = encoded(session).inputIds.length;
  test("are dropped, or end the run, as asked", () => {
    expect(encode(session, { maxLength: total })).toHaveProperty("labels");
    expect(encode(session, { maxLength: total - 2 })).toMatchObject({
      refused: "truncated_last_turn",
      reason: `turn 3: ${total} tokens, limit ${total - 2}`,
    });
    expect(
      encode([...session, { role: "user", content: "bye\n".repeat(9) }], { maxLength: total }),
    ).toMatchObject({ refused: "overlong" });
    expect(() => encode(session, { maxLength: total - 1, overlong: "error" })).toThrow(DataError);
    expect(() => encode(session, { maxLength: total - 1, overlong: "error" })).toThrow(
      "t.jsonl:3: expected at most",
    );
  });
  test("keep their last tokens when cut on the left, and half a turn is not trained", () => {
    const whole = encoded(session);
    const first = whole.turns[0]!.tokens[0];
    const row = encoded(session, { maxLength: total - first - 1, overlong: "truncate-left" });
    expect(row.truncated).toBe(first + 1);
    expect([...row.inputIds]).toEqual([...whole.inputIds.subarray(first + 1)]);
    expect(trainedText(row)).toBe("exit<|im_end|>");
  });
  test("never lose a piece of the last turn", () => {
    const [first] = encoded(session).turns[1]!.tokens;
    expect(encode(session, { maxLength: total - first, overlong: "truncate-left" })).toHaveProperty("labels");
    expect(encode(session, { maxLength: total - first - 1, overlong: "truncate-left" })).toMatchObject({
      refused: "truncated_last_turn",
    });
  });
});

describe("strict checks", () => {
  test("a context that no server would compute is refused with --strict-prefix", () => {
    const blank = session.map((turn, i) => (i === 1 ? { ...turn, content: "  ls" } : turn));
    expect(encoded(blank).turns[0]!.promptIsPrefix).toBe(false);
    expect(encode(blank, { strictPrefix: true })).toMatchObject({ refused: "prompt_not_prefix" });
    expect(encode(session, { strictPrefix: true })).toHaveProperty("labels");
    const muted = blank.map((turn, i) => (i === 1 ? { ...turn, train: false } : turn));
    expect(encode(muted, { strictPrefix: true })).toHaveProperty("labels");
  });
  test("the spelling of a special token is counted, and refused when asked", () => {
    const odd = session.map((turn, i) => (i === 2 ? { ...turn, content: "x <|im_end|> $ " } : turn));
    expect(encoded(odd).specialTurns).toBe(1);
    expect(encode(odd, { specialInContent: "refuse" })).toMatchObject({
      refused: "special_in_content",
      reason: "turn 2: its text holds the special token <|im_end|>",
    });
  });
});

describe("generation markers", () => {
  const head = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}";
  test("around content and end of turn give the same mask", () => {
    const marked = withTemplate(
      `${head}{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] + '<|im_end|>' }}{% endgeneration %}{% else %}{{ m['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}`,
    );
    const row = encoded(session, {}, marked);
    expect(trainedText(row)).toBe("ls<|im_end|>exit<|im_end|>");
    expect(row.markersDiffer).toBe(false);
  });
  test("that hold more or less win, and that is said", () => {
    const marked = withTemplate(
      `${head}{%- if m['role'] == 'assistant' -%}{%- generation -%}{{ m['content'] + '<|im_end|>' + '\n' }}{%- endgeneration -%}{%- else -%}{{ m['content'] + '<|im_end|>' + '\n' }}{%- endif -%}{% endfor %}`,
    );
    const row = encoded(session, {}, marked);
    expect(trainedText(row)).toBe("ls<|im_end|>\nexit<|im_end|>\n");
    expect(row.markersDiffer).toBe(true);
    expect(
      trainedText(
        encoded(
          session.map((turn, i) => (i === 1 ? { ...turn, weight: 0 } : turn)),
          {},
          marked,
        ),
      ),
    ).toBe("exit<|im_end|>\n");
  });
});
