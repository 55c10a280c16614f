// Writes docs/options.md from the option tables of the commands, so that the page and the program cannot differ.
// usage: bun run docs

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../src/base/command.ts";
import { flagName, type Option, type OptionTable } from "../src/base/options.ts";
import { globalFlags } from "../src/base/program.ts";
import { commands } from "../src/commands/index.ts";

/** Where the page lies. */
export const pagePath = join(import.meta.dir, "..", "docs", "options.md");

const head = `# Options

Made by \`bun run docs\` from the tables that the parser itself reads; do not edit it by hand. \`sekft COMMAND --help\` says the same
at the terminal.

- A flag may be written in kebab or snake case: \`--lora-r 8\` or \`--lora_r 8\`. In a \`--config\` file camel case works as well.
- A flag wins over the config file, the file over the default.
- **on** and **off** are switches: \`--packing\` turns one on, \`--no-packing\` off. A list is written \`a,b\` or \`a b\`.
- "required" means that the command does not start without it. A dash under "default" means that the command decides, or goes without.

## Every command

| option | default | what |
|---|---|---|
| \`--config FILE\` | — | YAML file of options; a flag wins over the file |
${globalFlags.map(({ flag, help }) => `| \`--${flag}\` | off | ${cell(help)} |`).join("\n")}
| \`--help\` | | explains the command |
`;

/** The page as it must be. */
export function optionsPage(): string {
  const index = commands.map(
    (command) => `| [\`${command.name}\`](#${anchor(command)}) | ${cell(command.summary)} |`,
  );
  const contents = `\n## Contents\n\n| command | what it does |\n|---|---|\n${index.join("\n")}\n`;
  return `${head}${contents}${commands.map(section).join("")}`;
}

function section(command: Command): string {
  const operands = [command.operand ?? []].flat().map((key) => command.options[key]!.value);
  const usage = ["sekft", command.name, ...operands, "[options]"].join(" ");
  const title = `\n## sekft ${command.name}\n\n${cell(command.summary)}.\n\nUsage: \`${usage}\`\n`;
  if (Object.keys(command.options).length === 0) return `${title}\nIt has no options of its own.\n`;
  const groups = groupsOf(command.options);
  return `${title}${[...groups].map(([name, table]) => groupText(command, name, table, groups.size > 1)).join("")}`;
}

const titleOfRest = "Options";

function groupsOf(table: OptionTable): Map<string, OptionTable> {
  const groups = new Map<string, Record<string, Option>>();
  for (const [key, option] of Object.entries(table)) {
    const name = option.group ?? titleOfRest;
    groups.set(name, { ...groups.get(name), [key]: option });
  }
  return groups;
}

/** Commands whose groups others refer to. */
const homes = ["train", "eval"];

/** A group that another command has as well is written once; here only what differs. */
function groupText(command: Command, name: string, table: OptionTable, titled: boolean): string {
  const title = titled ? `\n**${name}**\n` : "";
  for (const home of homes) {
    if (command.name === home) break;
    const there = commands.find((one) => one.name === home);
    const other = there && groupsOf(there.options).get(name);
    if (other === undefined || !Object.keys(other).every((key) => key in table)) continue;
    const differing = Object.entries(table).filter(
      ([key, option]) => JSON.stringify(option) !== JSON.stringify(other[key]),
    );
    if (Object.keys(table).length - differing.length < 4) continue;
    const link = `[\`sekft ${home}\`](#${anchor(there!)})`;
    if (differing.length === 0) return `${title}\nAs ${link} has them.\n`;
    return `${title}\nAs ${link} has them, but for:\n\n${rows(Object.fromEntries(differing))}`;
  }
  return `${title}\n${rows(table)}`;
}

function rows(table: OptionTable): string {
  const lines = Object.entries(table).map(
    ([key, option]) => `| ${flags(key, option)} | ${defaultText(option)} | ${what(key, option)} |\n`,
  );
  return `| option | default | what |\n|---|---|---|\n${lines.join("")}`;
}

function flags(key: string, option: Option): string {
  const names = [flagName(key), ...(option.aliases ?? [])].map((name) => `--${name}`);
  if (option.short !== undefined) names.unshift(`-${option.short}`);
  const value = option.type === "flag" ? "" : ` ${valueName(option)}`;
  return names.map((name, i) => `\`${cell(name + (i === names.length - 1 ? value : ""))}\``).join(", ");
}

function valueName(option: Exclude<Option, { type: "flag" }>): string {
  const named = option.value ?? { int: "N", float: "X", string: "TEXT", list: "NAMES" }[option.type];
  const text = "choices" in option && option.choices && option.value === undefined ? "NAME" : named;
  return option.type === "string" && option.alone !== undefined ? `[${text}]` : text;
}

/** Some help lines say themselves what the command decides. */
const saidDefault = / \[default ([^\]]+)\]$/;

function defaultText(option: Option): string {
  if (option.required) return "required";
  if (option.type === "flag") return option.default ? "on" : "off";
  const unit = option.unit === undefined ? "" : ` ${option.unit}`;
  if (option.default !== undefined) {
    const text = Array.isArray(option.default) ? option.default.join(",") : String(option.default);
    return text === "" ? "empty" : `\`${cell(text)}\`${unit}`;
  }
  const usual = option.usual ?? saidDefault.exec(option.help)?.[1];
  return usual === undefined ? "—" : cell(`${usual}${option.usual === undefined ? "" : unit}`);
}

function what(key: string, option: Option): string {
  const facts: string[] = [];
  if ((option.type === "string" || option.type === "list") && option.choices)
    facts.push(`one${option.type === "list" ? " or more" : ""} of ${quoted(option.choices)}`);
  if (option.type === "int" || option.type === "float") {
    const { min, max } = option;
    if (min !== undefined && max !== undefined) facts.push(`${min} to ${max}`);
    else if (min !== undefined && min !== 0) facts.push(`at least ${min}`);
    else if (max !== undefined) facts.push(`at most ${max}`);
  }
  if (option.unit !== undefined && option.default === undefined && option.usual === undefined)
    facts.push(`in ${option.unit}`);
  if (option.type === "string" && option.alone !== undefined)
    facts.push(`alone it means \`${option.alone}\``);
  if (option.type === "string" && option.negated !== undefined)
    facts.push(`\`--no-${flagName(key)}\` means \`${option.negated}\``);
  return `${cell(option.help.replace(saidDefault, ""))}${facts.length > 0 ? ` (${facts.join("; ")})` : ""}`;
}

function quoted(choices: readonly string[]): string {
  return choices.map((choice) => `\`${cell(choice)}\``).join(", ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function anchor(command: Command): string {
  return `sekft-${command.name.replaceAll(" ", "-")}`;
}

if (import.meta.main) writeFileSync(pagePath, optionsPage());
