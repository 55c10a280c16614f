// The tokenizer files of a Hugging Face directory: tokenizer.json, tokenizer_config.json, special_tokens_map.json and
// chat_template.jinja. Weights are not needed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DataError, show, UserError } from "../../base/errors.ts";
import { isObject, type JsonObject, readJsonObject } from "../../formats/json-file.ts";
import type { TokenizerJson } from "../tokenizer/tokenizer-json.ts";

/** What a tokenizer source says, before it is put to work. */
export interface TokenizerSource {
  readonly json: TokenizerJson;
  /** Named in errors about the tokenizer. */
  readonly file: string;
  readonly template: string | undefined;
  /** Named in errors about the template. */
  readonly templateFile: string;
  /** bos_token, eos_token, unk_token, pad_token, as the template sees them. */
  readonly variables: Readonly<Record<string, string>>;
  /** The files to put beside an adapter, by name. */
  readonly files: () => ReadonlyMap<string, string>;
}

const NAMES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
] as const;

/** Reads the tokenizer files of a directory.
 *  @throws UserError when one is missing; DataError naming file and field when one is not what it should be. */
export function readTokenizerDirectory(directory: string): TokenizerSource {
  const file = join(directory, "tokenizer.json");
  if (!existsSync(file))
    throw new UserError(`${file}: expected the base's tokenizer, got no such file`, {
      hint: "--base takes a directory with tokenizer.json and tokenizer_config.json, or a GGUF file",
    });
  const json = checkTokenizer(readJsonObject(file, "a tokenizer"), file);
  const configFile = join(directory, "tokenizer_config.json");
  const config = existsSync(configFile) ? readJsonObject(configFile, "a tokenizer configuration") : {};
  const mapFile = join(directory, "special_tokens_map.json");
  const map = existsSync(mapFile) ? readJsonObject(mapFile, "special tokens") : {};
  const variables: Record<string, string> = {};
  for (const name of ["bos_token", "eos_token", "unk_token", "pad_token"]) {
    const value = tokenText(config[name]) ?? (name in config ? undefined : tokenText(map[name]));
    if (value !== undefined) variables[name] = value;
  }
  const templateFile = join(directory, "chat_template.jinja");
  const separate = existsSync(templateFile);
  return {
    json,
    file,
    template: separate ? readFileSync(templateFile, "utf8") : pickTemplate(config.chat_template, configFile),
    templateFile: separate ? templateFile : configFile,
    variables,
    files: () =>
      new Map(
        NAMES.filter((name) => existsSync(join(directory, name))).map((name) => [
          name,
          readFileSync(join(directory, name), "utf8"),
        ]),
      ),
  };
}

function checkTokenizer(json: JsonObject, file: string): TokenizerJson {
  const model = json.model;
  if (!isObject(model))
    throw new DataError({ file, field: "model" }, `expected an object, got ${show(model)}`);
  if (!isObject(model.vocab))
    throw new DataError({ file, field: "model.vocab" }, `expected an object, got ${show(model.vocab)}`);
  if (!Array.isArray(model.merges))
    throw new DataError({ file, field: "model.merges" }, `expected a list, got ${show(model.merges)}`);
  const added = json.added_tokens ?? [];
  if (!Array.isArray(added))
    throw new DataError({ file, field: "added_tokens" }, `expected a list, got ${show(added)}`);
  for (const [i, token] of added.entries())
    if (!isObject(token) || typeof token.content !== "string" || !Number.isInteger(token.id))
      throw new DataError(
        { file, field: `added_tokens[${i}]` },
        `expected an id and a content, got ${show(token)}`,
      );
  return json as unknown as TokenizerJson;
}

/** A special token is a string or an object with `content`. */
function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isObject(value) && typeof value.content === "string" ? value.content : undefined;
}

/** `chat_template` is a string, or a list of named ones of which `default` counts. */
function pickTemplate(value: unknown, file: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  const field = "chat_template";
  if (!Array.isArray(value))
    throw new DataError({ file, field }, `expected a string or a list, got ${show(value)}`);
  const chosen =
    value.find((entry) => isObject(entry) && entry.name === "default") ??
    (value.length === 1 ? value[0] : undefined);
  if (!isObject(chosen) || typeof chosen.template !== "string")
    throw new DataError(
      { file, field },
      `expected a template named "default", got ${show(value.map((entry) => (isObject(entry) ? entry.name : entry)))}`,
    );
  return chosen.template;
}
