// Shell completion scripts, written from the command list: words, options, and the values an option takes.

import type { Command } from "./command.ts";
import { flagName, type Option } from "./options.ts";
import { globalFlags } from "./program.ts";

export type Shell = "bash" | "zsh" | "fish";

/** One thing that can be written after the words of a command. */
interface Flag {
  readonly name: string;
  readonly help: string;
  /** The values it takes; "files" for a path or anything else, undefined for a flag that stands alone. */
  readonly values: readonly string[] | "files" | undefined;
}

/** The script that teaches `shell` the commands; valid input for `eval` or a file that is sourced. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  if (shell === "bash") return bash(commands);
  return shell === "zsh" ? zsh(commands) : fish(commands);
}

function flagsOf(command: Command): Flag[] {
  const own = Object.entries(command.options).map(([key, option]) => ({
    name: flagName(key),
    help: option.help,
    values: valuesOf(option),
  }));
  const config =
    own.length > 0 && !("config" in command.options)
      ? [{ name: "config", help: "YAML file of options", values: "files" as const }]
      : [];
  const shared = [...globalFlags, { flag: "help", help: "help for the command" }];
  return [...own, ...config, ...shared.map(({ flag, help }) => ({ name: flag, help, values: undefined }))];
}

function valuesOf(option: Option): Flag["values"] {
  if (option.type === "flag") return undefined;
  return "choices" in option && option.choices ? option.choices : "files";
}

// The words that may follow each group: "" for the first word, `inspect` for what stands after it.
function nextWords(commands: readonly Command[]): Map<string, Map<string, string>> {
  const next = new Map<string, Map<string, string>>();
  for (const { name, summary } of commands) {
    const words = name.split(" ");
    for (const [i, word] of words.entries()) {
      const group = words.slice(0, i).join(" ");
      if (!next.has(group)) next.set(group, new Map());
      const says = i === words.length - 1 ? summary : (next.get(group)!.get(word) ?? `${word} commands`);
      next.get(group)!.set(word, says);
    }
  }
  return next;
}

function bash(commands: readonly Command[]): string {
  const words = [...nextWords(commands)].map(
    ([group, next]) => `    "${group}") words="${[...next.keys()].join(" ")}" ;;`,
  );
  const flags = commands.map(
    (command) =>
      `    "${command.name}") words="${flagsOf(command)
        .map(({ name }) => `--${name}`)
        .join(" ")}" ;;`,
  );
  const values = commands.flatMap((command) =>
    flagsOf(command).flatMap(({ name, values: of }) => {
      if (of === undefined) return [];
      return of === "files"
        ? [
            `    "${command.name} --${name}") IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames; return ;;`,
          ]
        : [`    "${command.name} --${name}") words="${of.join(" ")}" ;;`];
    }),
  );
  return `# bash completion for sekft
_sekft() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" command="" words="" i IFS=$' \\t\\n'
  # bash splits --tier=f32 at the equals sign
  if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD - 2]}"; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -* ]] && break
    command+="\${command:+ }\${COMP_WORDS[i]}"
  done
  case "$command $prev" in
${values.join("\n")}
  esac
  [[ -n $words ]] || case "$command" in
${[...words, ...flags].join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _sekft sekft`;
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(commands: readonly Command[]): string {
  const entry = (name: string, help: string) => quoted(`${name.replaceAll(":", "\\:")}:${help}`);
  const words = [...nextWords(commands)].map(
    ([group, next]) =>
      `    (${quoted(group)}) list=(${[...next].map(([word, says]) => entry(word, says)).join(" ")}) ;;`,
  );
  const flags = commands.map(
    (command) =>
      `    (${quoted(command.name)}) list=(${flagsOf(command)
        .map(({ name, help }) => entry(`--${name}`, help))
        .join(" ")}) ;;`,
  );
  const values = commands.flatMap((command) =>
    flagsOf(command).flatMap(({ name, values: of }) => {
      if (of === undefined) return [];
      const does = of === "files" ? "_files" : `compadd -- ${of.map(quoted).join(" ")}`;
      return [`    (${quoted(`${command.name} --${name}`)}) ${does}; return ;;`];
    }),
  );
  return `#compdef sekft
# zsh completion for sekft
_sekft() {
  local command="" word
  local -a list
  for word in \${words[2,CURRENT-1]}; do
    [[ $word == -* ]] && break
    command+="\${command:+ }$word"
  done
  case "$command \${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$command" in
${[...words, ...flags].join("\n")}
  esac
  _describe sekft list
}
compdef _sekft sekft`;
}

function fish(commands: readonly Command[]): string {
  const lines = ["# fish completion for sekft", "complete -c sekft -f"];
  // True when the words before the first option are exactly the given ones.
  lines.push(
    "function __sekft_command",
    "  set -l words (commandline -opc)[2..-1]",
    "  set -l command",
    "  for word in $words",
    "    string match -q -- '-*' $word; and break",
    "    set -a command $word",
    "  end",
    '  test "$command" = "$argv"',
    "end",
  );
  const when = (command: string) => `complete -c sekft -n ${quoted(`__sekft_command ${command}`.trim())}`;
  for (const [group, next] of nextWords(commands))
    for (const [word, says] of next) lines.push(`${when(group)} -a ${word} -d ${quoted(says)}`);
  for (const command of commands)
    for (const { name, help, values } of flagsOf(command)) {
      const takes =
        values === undefined ? "" : values === "files" ? " -r -F" : ` -x -a ${quoted(values.join(" "))}`;
      lines.push(`${when(command.name)} -l ${name}${takes} -d ${quoted(help)}`);
    }
  return lines.join("\n");
}
