// Rendering against transformers' own, and each shortcut against the long way.

import { describe, expect, test } from "bun:test";
import { promptIds } from "../../src/data/chat/chat-format.ts";
import { ChatTemplate } from "../../src/data/chat/chat-template.ts";
import { onlyCopiesContent } from "../../src/data/chat/content-use.ts";
import { parseTemplate, renderTemplate } from "../../src/data/chat/jinja.ts";
import { normalizeForTemplate } from "../../src/data/normalize.ts";
import {
  goldenFormat,
  goldenRows,
  goldenText,
  type MaskRow,
  oddStrings,
  tokenizerNames,
} from "./golden-text.ts";

interface RenderRow {
  readonly template: string;
  readonly case: string;
  readonly add_generation_prompt: boolean;
  readonly variables: Record<string, unknown>;
  readonly messages: readonly { role: string; content: string }[];
  readonly text?: string;
  readonly error?: { readonly raised_by_template: boolean; readonly message: string };
}

test("renders 17 public templates as transformers does, and fails where it fails", () => {
  const rows = goldenRows<RenderRow>("render.jsonl");
  expect(rows).toHaveLength(205);
  const now = new Date(2026, 10, 21, 12, 34, 56);
  for (const row of rows) {
    const program = parseTemplate(goldenText(`templates/${row.template}.jinja`));
    const variables = {
      tools: null,
      documents: null,
      ...row.variables,
      messages: row.messages,
      add_generation_prompt: row.add_generation_prompt,
    };
    const render = () => renderTemplate(program, variables, now);
    if (row.error === undefined)
      expect({ of: `${row.template}: ${row.case}`, text: render() }).toEqual({
        of: `${row.template}: ${row.case}`,
        text: row.text!,
      });
    else if (row.error.raised_by_template) expect(render).toThrow(row.error.message);
    else expect(render).toThrow();
  }
});

test("strips as Python does, with and without characters", () => {
  const render = (source: string, x: string) => renderTemplate(parseTemplate(source), { x }, new Date());
  expect(render("{{ x | trim }}", "\u001c\u0085 a \ufeff")).toBe("a \ufeff");
  expect(render("{{ x.strip() }}", "\ufeff b\u001f")).toBe("\ufeff b");
  expect(render("{{ x.lstrip('\\n') }}", "\n a \n")).toBe(" a \n");
  expect(render("{{ x.rstrip('ab') }}", "xbab")).toBe("x");
});

describe("a template that only copies contents", () => {
  const copying = [
    "smollm2-instruct",
    "mistral-7b-instruct-v0.2",
    "mistral-7b-instruct-v0.2-2023",
    "llama-3-instruct",
    "zephyr-7b-beta",
    "gemma-2-it",
  ];

  test("is told from one that looks at them", () => {
    for (const name of copying)
      expect({
        name,
        copies: onlyCopiesContent(parseTemplate(goldenText(`templates/${name}.jinja`))),
      }).toEqual({ name, copies: true });
    for (const source of [
      "{% for m in messages %}{% if 'x' in m.content %}y{% endif %}{% endfor %}",
      "{% for m in messages %}{{ m.content | upper }}{% endfor %}",
      "{% for m in messages %}{{ m }}{% endfor %}",
      "{{ messages | tojson }}",
      "{% for m in messages %}{% set c = m['content'] %}{% if c %}{{ c }}{% endif %}{% endfor %}",
      "{% for m in messages %}{{ m['con' + 'tent'] | length }}{% endfor %}",
      "{% for m in messages %}{{ (m.content + 'x') | trim }}{% endfor %}",
      "{% for m in messages %}{{ m.content.strip() }}{% endfor %}",
      "{% for m in messages %}{% if loop.nextitem.content %}y{% endif %}{% endfor %}",
      "{% macro f(m) %}{{ m.content | length }}{% endmacro %}{% for m in messages %}{{ f(m) }}{% endfor %}",
      "{% for m in messages %}{% for k in m %}{{ m[k] | length }}{% endfor %}{% endfor %}",
      "{% for m in messages %}{% set t = m.content %}{% set t = t + 'x' %}{% if t == 'x' %}y{% endif %}{% endfor %}",
    ])
      expect({ source, copies: onlyCopiesContent(parseTemplate(source)) }).toEqual({ source, copies: false });
  });

  test.each(copying)("%s: reused text equals a full render for any contents", (name) => {
    const source = goldenText(`templates/${name}.jinja`);
    const variables = { bos_token: "<s>", eos_token: "</s>" };
    const quick = new ChatTemplate(source, variables, "quick");
    // A look at a content that changes nothing: the proof fails, and every text is rendered.
    const slow = new ChatTemplate(
      `{% if messages[0]['content'] == 1 %}{% endif %}${source}`,
      variables,
      "slow",
    );
    expect(onlyCopiesContent(parseTemplate(slow.source))).toBe(false);
    const texts = ["", " ", "\n", " ls \n", "{{ x }}", "\u2005", "\u001c\ufeff x", ...oddStrings(60)];
    for (let i = 0; i + 4 <= texts.length; i++) {
      const turns = texts
        .slice(i, i + 4)
        .map((content, k) => ({ role: k % 2 === 0 ? "user" : "assistant", content }));
      expect(quick.renderWithSpans(turns).text).toBe(slow.render(turns, false));
      expect(quick.render(turns.slice(0, 3), true)).toBe(slow.render(turns.slice(0, 3), true));
      // The long way looks for contents in the text; where it finds them, they are in the same places.
      for (const { turn, start, end } of quick.renderWithSpans(turns).spans)
        expect(turns[turn]!.content).toContain(slow.render(turns, false).slice(start, end));
    }
  });
});

test.each(tokenizerNames)("%s: a server's prompt ids are those that the trainer compares with", (name) => {
  const format = goldenFormat(name);
  for (const row of goldenRows<MaskRow>(`mask/${name}.jsonl`)) {
    if (row.refused !== undefined) continue;
    const normalized = normalizeForTemplate(row.messages);
    for (const turn of row.turns) {
      const ids = promptIds(normalized.slice(0, turn.turn as number), format);
      const [first] = turn.tokens as number[];
      expect(ids.length).toBe(turn.prompt_tokens as number);
      expect([...ids].join() === row.input_ids.slice(0, first).join()).toBe(turn.prompt_is_prefix as boolean);
    }
  }
});

test("a template that does not parse is refused with its file", () => {
  expect(
    () => new ChatTemplate("{% for m in messages %}{{ m['content'] }", {}, "base/tokenizer_config.json"),
  ).toThrow(/^base\/tokenizer_config.json: expected a chat template that parses/);
});
