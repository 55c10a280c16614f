// How one option reads in --help.

import { flagName, type Option } from "./options.ts";

/** `-r, --lora-r <N>`: the option as commander declares it and --help shows it. */
export function flagSyntax(name: string, option: Option): string {
  const long = `${option.short ? `-${option.short}, ` : ""}--${name}`;
  if (option.type === "flag") return `${long} [yes]`;
  const text = "choices" in option && option.choices ? "NAME" : "TEXT";
  const value = option.value ?? { int: "N", float: "X", string: text, list: "NAMES" }[option.type];
  if (option.type === "string" && option.alone !== undefined) return `${long} [${value}]`;
  return `${long} <${value}${option.type === "list" ? "..." : ""}>`;
}

/** The help line, and in brackets what it may be and what it is when not given. */
export function describeOption(key: string, option: Option): string {
  const facts: string[] = [];
  if (option.type === "string" && option.choices) facts.push(option.choices.join(" | "));
  if (option.type === "list" && option.choices) facts.push(`of ${option.choices.join(", ")}`);
  if (option.type === "int" || option.type === "float") {
    if (option.max !== undefined) facts.push(`${option.min ?? ""}..${option.max}`);
    else if (option.min !== undefined && option.min > 0) facts.push(`>= ${option.min}`);
  }
  const unit = option.unit ? ` ${option.unit}` : "";
  if (option.required) facts.push("required");
  else if (option.type === "flag") {
    if (option.default) facts.push(`on; --no-${flagName(key)} turns it off`);
  } else if (option.default !== undefined) {
    const text = Array.isArray(option.default) ? option.default.join(",") : String(option.default);
    facts.push(`default ${text === "" ? '""' : text}${unit}`);
  } else if (option.usual !== undefined) facts.push(`default ${option.usual}${unit}`);
  else if (unit) facts.push(unit.trim());
  return facts.length > 0 ? `${option.help} [${facts.join("; ")}]` : option.help;
}
