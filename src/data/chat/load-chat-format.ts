// Loads the tokenizer and chat template of a base: a directory with tokenizer files, or one GGUF file.

import { readFileSync, statSync } from "node:fs";
import { fileProblem, UserError } from "../../base/errors.ts";
import { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type ChatFormat, findEndOfTurn } from "./chat-format.ts";
import { ChatTemplate } from "./chat-template.ts";
import { readTokenizerDirectory } from "./tokenizer-directory.ts";
import { readTokenizerGguf } from "./tokenizer-gguf.ts";

/** Reads what `--base` says about text; weights are not touched.
 *  @param templateFile a Jinja file that takes the place of the base's own template.
 *  @throws UserError or DataError naming the file that is missing or wrong. */
export function loadChatFormat(base: string, templateFile?: string): ChatFormat {
  const source = isFile(base) ? readTokenizerGguf(base) : readTokenizerDirectory(base);
  const template = templateFile === undefined ? source.template : readTemplate(templateFile);
  if (template === undefined)
    throw new UserError(`${source.templateFile}: expected a chat_template, got none`, {
      hint: "use the instruct version of the base, or give a Jinja file with --chat-template",
    });
  const tokenizer = new Tokenizer(source.json, source.file);
  const chat = new ChatTemplate(template, source.variables, templateFile ?? source.templateFile);
  const special = { bosToken: source.variables.bos_token, eosToken: source.variables.eos_token };
  return {
    tokenizer,
    template: chat,
    endOfTurn: findEndOfTurn(tokenizer, chat, special),
    ...special,
    files: source.files,
  };
}

function readTemplate(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`${file}: expected a chat template, got ${fileProblem(cause)}`, { cause });
  }
}

function isFile(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined)
    throw new UserError(`${path}: expected a base (a directory or a GGUF file), got nothing there`, {
      hint: "--base names a Hugging Face directory or a .gguf file",
    });
  return found.isFile();
}
