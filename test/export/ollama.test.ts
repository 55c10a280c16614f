import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { gguf } from "@huggingface/gguf";
import { ChatTemplate } from "../../src/data/chat/chat-template.ts";
import { goTemplate } from "../../src/export/go-template.ts";
import { exportOllama, type OllamaOptions, translateChat } from "../../src/export/ollama.ts";
import { renderTurns, type Turn } from "../../src/export/turn-format.ts";
import { addsBos, chatSource, prompts, templateNames } from "./chat-templates.ts";

const golden = join(import.meta.dir, "../golden");
const go: {
  readonly templates: Readonly<Record<string, string>>;
  readonly rows: readonly {
    readonly name: string;
    readonly messages: readonly Turn[];
    readonly text?: string;
    readonly error?: string;
  }[];
} = JSON.parse(readFileSync(join(golden, "ollama/go.json"), "utf8"));

/** What the chat template itself writes, without the bos token that Ollama adds; undefined where it refuses. */
function jinja(name: string, turns: readonly Turn[]): string | undefined {
  const source = chatSource(name);
  try {
    return withoutBos(name, source.templateAt(new Date()).render(turns, true));
  } catch {
    return undefined;
  }
}

function withoutBos(name: string, text: string): string {
  const bos = chatSource(name).bosToken ?? "";
  return addsBos(name) && text.startsWith(bos) ? text.slice(bos.length) : text;
}

describe("a chat template in Go", () => {
  test("exists for every public template but the one that writes the date in a form Go cannot", () => {
    expect(templateNames.filter((name) => go.templates[name] === undefined)).toEqual(["llama-3.2-instruct"]);
    expect(() => translateChat(chatSource("llama-3.2-instruct"), "auto", () => true)).toThrow(
      /llama-3.2-instruct.jinja.*date/,
    );
  });

  for (const name of Object.keys(go.templates))
    test(`writes the prompts of ${name}, as Go's own text/template renders it`, () => {
      const { format } = translateChat(chatSource(name), "auto", () => addsBos(name));
      expect(goTemplate(format)).toBe(go.templates[name]!);
      let compared = 0;
      for (const { messages, text } of go.rows.filter((row) => row.name === name)) {
        // Refusals are the same too, and our own reading of the format is Go's.
        expect({ messages, text }).toEqual({ messages, text: renderTurns(format, messages) });
        const expected = jinja(name, messages);
        if (isRare(name, messages) || text === undefined || expected === undefined) continue;
        expect({ messages, text }).toEqual({ messages, text: expected });
        compared++;
      }
      expect(compared).toBeGreaterThanOrEqual(8);
    });

  test("writes what transformers wrote", () => {
    let compared = 0;
    for (const row of prompts) {
      const found = go.rows.find(
        ({ name, messages }) => name === row.template && Bun.deepEquals(messages, row.messages),
      );
      if (found?.text === undefined || row.text === undefined || isRare(row.template, row.messages)) continue;
      expect({ ...row, text: found.text }).toEqual({ ...row, text: withoutBos(row.template, row.text) });
      compared++;
    }
    expect(compared).toBeGreaterThanOrEqual(32);
  });

  test("joins a system turn as training does where the template refuses it", () => {
    const { format, notes } = translateChat(chatSource("gemma-2-it"), "auto", () => true);
    const turns = [
      { role: "system", content: "You are alice." },
      { role: "user", content: "$ " },
    ];
    expect(renderTurns(format, turns)).toBe(
      "<start_of_turn>user\nYou are alice.\n$<end_of_turn>\n<start_of_turn>model\n",
    );
    expect(notes.join()).toContain("no system turn");
  });

  test("keeps the bos token where the runtime does not write it, or when asked", () => {
    const source = chatSource("mistral-7b-instruct-v0.2-2023");
    const of = (bos: OllamaOptions["bos"], adds: boolean) =>
      renderTurns(translateChat(source, bos, () => adds).format, [{ role: "user", content: "x" }]);
    expect(of("auto", true)).toBe("[INST] x [/INST]");
    expect(of("auto", false)).toBe("<s>[INST] x [/INST]");
    expect(of("write", true)).toBe("<s>[INST] x [/INST]");
    expect(of("omit", false)).toBe("[INST] x [/INST]");
  });

  test("is refused, by the template's name, for one that looks into the turns", () => {
    const source = chatSource("smollm2-instruct");
    const upper = source
      .templateAt(new Date())
      .source.replace("message['content']", "message['content'] | upper");
    expect(() =>
      translateChat(
        { ...source, templateAt: (now) => new ChatTemplate(upper, {}, "upper", now) },
        "auto",
        () => false,
      ),
    ).toThrow(/smollm2-instruct.jinja: expected a chat template that Ollama's can repeat/);
  });
});

/** Conversations that Ollama never sends in that form, or that the note about the template names. */
function isRare(name: string, messages: readonly Turn[]): boolean {
  const last = messages.at(-1);
  if (name === "qwen3" && last?.role === "assistant") return true;
  if (messages.some(({ role }) => role === "tool")) return true;
  return messages.some(({ content }) => content.includes("</think>"));
}

describe("an Ollama folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "sekft-ollama-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const adapter = join(folder, "adapter");
  const base = join(folder, "base");
  mkdirSync(base);
  cpSync(join(golden, "numeric/models/tiny-llama"), base, { recursive: true });
  cpSync(join(golden, "text/tokenizers/smollm2-135m-instruct"), base, { recursive: true });
  const tokenizer = join(golden, "text/tokenizers/smollm2-135m-instruct/tokenizer.json.gz");
  writeFileSync(join(base, "tokenizer.json"), gunzipSync(readFileSync(tokenizer)));
  cpSync(join(golden, "numeric/lora/llama-qkvo"), adapter, { recursive: true });
  const options: OllamaOptions = { base, bos: "auto", outType: "F32", force: false };

  test("holds a Modelfile and the GGUF LoRA it names", async () => {
    const out = join(folder, "out");
    exportOllama(adapter, out, options);
    const text = readFileSync(join(out, "Modelfile"), "utf8");
    const { format } = translateChat(chatSource("smollm2-instruct"), "auto", () => false);
    expect(text).toBe(
      `# ollama create NAME -f Modelfile\nFROM ${base}\nADAPTER ./adapter.gguf\nTEMPLATE """${goTemplate(format)}"""\nPARAMETER stop "<|im_end|>"\n`,
    );
    const { metadata, tensorInfos } = await gguf(join(out, "adapter.gguf"), { allowLocalFile: true });
    expect(metadata["general.architecture"]).toBe("llama");
    expect(tensorInfos).toHaveLength(16);
  });

  test("takes FROM and TEMPLATE as given", () => {
    const template = join(folder, "own.gotmpl");
    writeFileSync(template, "{{ .Prompt }}\n");
    const out = join(folder, "own");
    exportOllama(adapter, out, { ...options, from: "llama3:8b", templateFile: template });
    const text = readFileSync(join(out, "Modelfile"), "utf8");
    expect(text).toContain("FROM llama3:8b\n");
    expect(text).toContain('TEMPLATE """{{ .Prompt }}"""\n');
  });

  test("is refused for what a Modelfile cannot say, and over files that exist", () => {
    const template = join(folder, "quotes.gotmpl");
    writeFileSync(template, 'a """ b');
    expect(() => exportOllama(adapter, join(folder, "no"), { ...options, templateFile: template })).toThrow(
      /a TEMPLATE that its syntax can hold/,
    );
    const nf4 = join(golden, "numeric/models/tiny-mistral-nf4");
    expect(() => exportOllama(adapter, join(folder, "no"), { ...options, base: nf4 })).toThrow(
      /bitsandbytes/,
    );
    const out = join(folder, "twice");
    exportOllama(adapter, out, options);
    expect(() => exportOllama(adapter, out, options)).toThrow(/new or empty folder/);
    exportOllama(adapter, out, { ...options, force: true });
  });
});
