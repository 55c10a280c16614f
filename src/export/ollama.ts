// An adapter as a folder that `ollama create` takes: the GGUF LoRA and a Modelfile with the translated chat template.
// Format: ollama docs/modelfile.md and template/template.go.

import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { SekftError, show, UserError } from "../base/errors.ts";
import type { GgufOutType } from "../formats/gguf-writer.ts";
import { findBase, readBaseConfig } from "./base-of-adapter.ts";
import { type ChatSource, readChatSource, runtimeAddsBos } from "./chat-source.ts";
import { findTurnFormat } from "./find-turn-format.ts";
import { exportGgufLora } from "./gguf-lora.ts";
import { goTemplate } from "./go-template.ts";
import { checkOutputFolder } from "./output-path.ts";
import { tokenizerHome } from "./tokenizer-files.ts";
import type { TurnFormat } from "./turn-format.ts";

/** Settings of an Ollama export. */
export interface OllamaOptions {
  readonly base?: string | undefined;
  /** What FROM says; the base's path when left out. */
  readonly from?: string | undefined;
  /** A Go template that is taken as it is. */
  readonly templateFile?: string | undefined;
  /** Whether TEMPLATE writes the bos token: `auto` leaves it out where the runtime adds it. */
  readonly bos: "auto" | "write" | "omit";
  readonly outType: GgufOutType;
  readonly force: boolean;
}

/** What was written. */
export interface OllamaFolder {
  readonly path: string;
  readonly modelfile: string;
  readonly adapter: string;
  readonly notes: readonly string[];
}

const adapterName = "adapter.gguf";

/** Writes `out`/Modelfile and `out`/adapter.gguf.
 *  @throws UserError naming what a Modelfile or a Go template cannot say. */
export function exportOllama(adapter: string, out: string, options: OllamaOptions): OllamaFolder {
  checkOutputFolder(out, options.force);
  const base = findBase(adapter, options.base);
  const from = options.from ?? fromLine(base);
  const home = tokenizerHome(adapter, base);
  const { template, stops, notes } = translated(home, options);
  const modelfile = modelfileText(from, template, stops);
  const gguf = exportGgufLora(adapter, join(out, adapterName), {
    base,
    outType: options.outType,
    force: options.force,
  });
  const path = join(out, "Modelfile");
  writeFileAtomic(path, modelfile);
  return { path: out, modelfile: path, adapter: gguf.path, notes: [...notes, ...gguf.notes] };
}

function fromLine(base: string): string {
  const { quantization } = readBaseConfig(base);
  if (quantization !== undefined)
    throw new UserError(
      `--base ${base}: expected a base that Ollama can load, got one quantised by bitsandbytes`,
      { hint: "give the unquantised base, a GGUF file, or the name of a model that Ollama has with --from" },
    );
  const path = realpathSync(base);
  if (statSync(path).isFile() || existsSync(join(path, "config.json"))) return path;
  throw new UserError(`--base ${base}: expected a model directory or a .gguf file, got neither`);
}

function translated(
  home: string,
  options: OllamaOptions,
): { template: string; stops: readonly string[]; notes: readonly string[] } {
  if (options.templateFile !== undefined) {
    if (!existsSync(options.templateFile))
      throw new UserError(`--template ${options.templateFile}: expected a Go template, got nothing there`);
    const template = readFileSync(options.templateFile, "utf8").replace(/\n$/, "");
    return { template, ...knownStops(home) };
  }
  const source = readChatSource(home);
  const { format, notes } = translateChat(source, options.bos, () => runtimeAddsBos(home));
  return { template: goTemplate(format), stops: source.stops, notes };
}

/** The stop texts of a base, whose own chat template may be missing or one that cannot be read. */
function knownStops(home: string): { stops: readonly string[]; notes: readonly string[] } {
  try {
    return { stops: readChatSource(home).stops, notes: [] };
  } catch (error) {
    if (!(error instanceof SekftError)) throw error;
    return { stops: [], notes: [`no PARAMETER stop is written: ${error.message}`] };
  }
}

/** The turn format of a chat template as Ollama needs it, and what is worth knowing about it.
 *  @throws UserError when a Go template cannot say the same. */
export function translateChat(
  source: ChatSource,
  bos: OllamaOptions["bos"],
  addsBos: () => boolean,
): { readonly format: TurnFormat; readonly notes: readonly string[] } {
  const refuse = (reason: string) =>
    new UserError(`${source.file}: expected a chat template that Ollama's can repeat, but ${reason}`, {
      hint: "write the Go template yourself and give it with --template FILE",
    });
  const [today, later] = [new Date(2024, 0, 2), new Date(2025, 10, 23)].map((now) => source.templateAt(now));
  const probe = [{ role: "user", content: "x" }];
  const found = findTurnFormat((turns) => today!.render(turns, true));
  if (!("reason" in found) && today!.render(probe, true) !== later!.render(probe, true))
    throw refuse("it writes today's date in a form of its own");
  if ("reason" in found) throw refuse(found.reason);
  const notes = found.differs.map((what) => `${what} is written otherwise than by the chat template`);
  if (found.format.kind === "alternating" && found.format.system.place === "folded")
    notes.push(
      "the chat template takes no system turn: it is joined with the first user turn, as in training",
    );
  const { bosToken } = source;
  const adds = addsBos();
  if (bosToken === undefined || bosToken === "") return { format: found.format, notes };
  const writes = openingOf(found.format).every((text) => text.startsWith(bosToken));
  if (!writes && adds && bos === "auto")
    notes.push(`Ollama puts ${bosToken} in front of the prompt by itself, which in training was not so`);
  const omit = writes && (bos === "omit" || (bos === "auto" && adds));
  return { format: omit ? withoutOpening(found.format, bosToken.length) : found.format, notes };
}

/** The texts that conversations begin with, as far as the bos token could be cut from them. */
function openingOf(format: TurnFormat): string[] {
  if (format.kind === "free") return [format.head, format.firstSystem[0]];
  const { system } = format;
  if (system.place === "first") return [format.head, system.before];
  return system.place === "last" ? [format.head, system.alone[0]] : [format.head];
}

function withoutOpening(format: TurnFormat, length: number): TurnFormat {
  if (format.kind === "free")
    return {
      ...format,
      head: format.head.slice(length),
      firstSystem: [format.firstSystem[0].slice(length), format.firstSystem[1]],
    };
  const { system } = format;
  const shorter =
    system.place === "first"
      ? { ...system, before: system.before.slice(length) }
      : system.place === "last"
        ? { ...system, alone: [system.alone[0].slice(length), system.alone[1]] as const }
        : system;
  return { ...format, head: format.head.slice(length), system: shorter };
}

function modelfileText(from: string, template: string, stops: readonly string[]): string {
  const refuse = (what: string, value: string) =>
    new UserError(`Modelfile: expected ${what} that its syntax can hold, got ${show(value)}`);
  if (/[\r\n]/.test(from)) throw refuse("a FROM", from);
  if (template.includes('"""') || template.endsWith('"')) throw refuse("a TEMPLATE", template);
  const bad = stops.find((text) => /["\r\n]/.test(text));
  if (bad !== undefined) throw refuse("a stop text", bad);
  return [
    "# ollama create NAME -f Modelfile",
    `FROM ${from}`,
    `ADAPTER ./${adapterName}`,
    `TEMPLATE """${template}"""`,
    ...stops.map((text) => `PARAMETER stop "${text}"`),
    "",
  ].join("\n");
}
