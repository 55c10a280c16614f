// Turns a list of command records into a program: parsing, --help, suggestions. Knows no command by name.

import {
  type CommanderError,
  Command as Program,
  Option as ProgramOption,
} from "@commander-js/extra-typings";
import type { Command, Terminal } from "./command.ts";
import { closest, show, UserError } from "./errors.ts";
import { describeOption, flagSyntax } from "./help.ts";
import { flagName, type OptionTable } from "./options.ts";
import { resolveOptions } from "./resolve.ts";
import { optionNames } from "./values.ts";

/** What the program is, beside its commands. */
export interface Identity {
  readonly name: string;
  readonly summary: string;
  /** Summary of each first word that only groups commands, e.g. `inspect`. */
  readonly groups: Readonly<Record<string, string>>;
  /** Text of --version; asked for only when it is shown. */
  version(): string;
}

/** The flags that every command takes; the terminal was opened with them before anything is parsed. */
export const globalFlags = [
  { flag: "json", help: "print results as JSON on stdout, and nothing else there" },
  { flag: "quiet", help: "no progress and no notes; warnings and errors stay" },
  { flag: "no-color", help: "no colours (NO_COLOR and a pipe have the same effect)" },
  { flag: "trace", help: "show where an error came from" },
] as const;

/** Runs the command that `argv` names; 0 when it or its help is done, 2 when no command was named.
 *  @throws UserError for an option or command that does not exist, and whatever the command throws. */
export async function runProgram(
  argv: readonly string[],
  commands: readonly Command[],
  identity: Identity,
  terminal: Terminal,
): Promise<number> {
  const program = new Program(identity.name).description(identity.summary).usage("<command> [options]");
  const firstWords = new Set(commands.map((command) => command.name.split(" ")[0]!));
  prepare(program, terminal, [...firstWords]);
  program.option("--version", "the version and the commit it was built from");
  for (const { flag, help } of globalFlags) program.option(`--${flag}`, help);
  program.addHelpText("after", "\n<command> --help tells more about a command.");
  let code = 0;
  for (const command of commands) addCommand(program, command, commands, identity, terminal);
  program.on("option:version", () => {
    terminal.out(identity.version());
    throw DONE;
  });
  try {
    await program.parseAsync(dashed(argv), { from: "user" });
  } catch (error) {
    if (isHelp(error)) code = error.exitCode === 0 ? 0 : 2;
    else if (error !== DONE) throw error;
  }
  return code;
}

// Leaves the parser once --version has been answered.
const DONE = new Error("done");

function isHelp(error: unknown): error is CommanderError {
  return (error as CommanderError | null)?.code?.startsWith?.("commander.help") ?? false;
}

// transformers' users write --lora_r; both spellings mean the same.
function dashed(argv: readonly string[]): string[] {
  return argv.map((word) => word.replace(/^--[a-z][\w-]*/, (flag) => flag.replaceAll("_", "-")));
}

// The settings that every node of the command tree has. `names` are the options or commands a typo is compared with.
function prepare(node: Program, terminal: Terminal, names: readonly string[]): void {
  const write = (text: string) => terminal.out(text.trimEnd());
  node
    .helpOption("-h, --help", "this text")
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .configureHelp({
      helpWidth: Math.min(terminal.columns, 110),
      // Long option names leave a narrow column on 80 columns; it is still to be wrapped.
      minWidthToWrap: 24,
      showGlobalOptions: true,
      // Those of the program, not those of a command above this one.
      visibleGlobalOptions(leaf) {
        let top = leaf;
        while (top.parent) top = top.parent;
        return top === leaf ? [] : top.options.filter(({ hidden }) => !hidden);
      },
      styleTitle: (title) => (terminal.color ? `\x1b[1m${title}\x1b[22m` : title),
      subcommandTerm: (command) => command.name(),
      optionTerm: (option) => option.flags.replace(/ \[yes\]$/, ""),
    })
    .configureOutput({
      writeOut: write,
      writeErr: (text) => terminal.warn(text.trimEnd()),
      outputError: () => {},
      getOutHasColors: () => terminal.color,
      getErrHasColors: () => false,
    })
    .exitOverride((error) => {
      throw translate(error, wordsOf(node), names);
    });
}

// `inspect mask`; the program itself has no words.
function wordsOf(node: { name(): string; parent: unknown }): string {
  const parent = node.parent as typeof node | null;
  return parent ? `${wordsOf(parent)} ${node.name()}`.trim() : "";
}

function translate(error: CommanderError, words: string, names: readonly string[]): Error {
  const who = words || "command line";
  const got = /'(.*?)'/.exec(error.message)?.[1] ?? error.message;
  const suggest = (word: string, dashes: string) => {
    const near = closest(word, names);
    return {
      hint: near ? `did you mean ${dashes}${near}?` : `sekft ${words ? `${words} ` : ""}--help lists them`,
    };
  };
  switch (error.code) {
    case "commander.unknownOption":
      return new UserError(
        `${who}: expected one of its options, got ${got}`,
        suggest(got.replace(/^-+|=.*$/g, ""), "--"),
      );
    case "commander.unknownCommand":
      return new UserError(`${who}: expected one of ${names.join(", ")}, got ${show(got)}`, suggest(got, ""));
    case "commander.optionMissingArgument":
      return new UserError(`${who}: expected a value after ${got.replace(/^-\w, | <.*$/g, "")}, got nothing`);
    default:
      return error;
  }
}

function addCommand(
  program: Program,
  command: Command,
  commands: readonly Command[],
  identity: Identity,
  terminal: Terminal,
): void {
  const words = command.name.split(" ");
  let parent: Program = program;
  for (const word of words.slice(0, -1)) {
    const siblings = commands.flatMap(({ name }) =>
      name.startsWith(`${word} `) ? [name.split(" ")[1]!] : [],
    );
    const known = parent.commands.find((child) => child.name() === word) as Program | undefined;
    parent = known ?? (parent.command(word).description(identity.groups[word] ?? "") as Program);
    if (!known) prepare(parent, terminal, siblings);
  }
  const leaf = parent.command(words.at(-1)!) as Program;
  const globals = [...globalFlags.map(({ flag }) => flag as string), "help", "config"];
  prepare(leaf, terminal, [...optionNames(command.options), ...globals]);
  const operands = [command.operand ?? []].flat();
  const usage = [...operands.map((key) => command.options[key]!.value), "[options]"].join(" ");
  leaf.summary(command.summary).usage(usage).allowExcessArguments(true);
  leaf.description(command.description ? `${command.summary}\n\n${command.description}` : command.summary);
  addOptions(leaf, command.options);
  const examples = command.examples.map(({ line, does }) => `  ${line}\n      ${does}`).join("\n");
  leaf.addHelpText("after", `\n${terminal.color ? "\x1b[1mExamples:\x1b[22m" : "Examples:"}\n${examples}`);
  leaf.action(async () => {
    const given = leaf.args as readonly string[];
    // A list as the last operand takes all words that are left.
    const last = operands.at(-1);
    const open = last !== undefined && command.options[last]!.type === "list";
    const extra = given[operands.length];
    if (extra !== undefined && !open)
      throw new UserError(
        `${wordsOf(leaf)}: expected ${["options only", "one word and options", "two words and options"][operands.length]}, got ${show(extra)}`,
      );
    const { config: file, ...flags } = ownOptions(leaf, parent === program ? undefined : parent);
    // A command whose table has `config` reads that file itself: it is more than options.
    const own = "config" in command.options;
    const config = own ? undefined : file;
    if (own) flags.config = file;
    for (const [i, key] of operands.entries())
      flags[key] ??= key === last && open && given.length > i ? given.slice(i) : given[i];
    const fromFile =
      typeof config === "string"
        ? (await import("./config-file.ts")).readConfig(config, command.options)
        : {};
    await command.run(resolveOptions(command.options, byKey(command.options, flags), fromFile), terminal);
  });
}

// `eval` is a command and the first word of `eval compare`: the parser gives it what both know, and what only it knows.
function ownOptions(leaf: Program, above: Program | undefined): Record<string, unknown> {
  const taken = (above?.opts() ?? {}) as Record<string, unknown>;
  const known = leaf.options.map((option) => option.attributeName());
  const stray = Object.keys(taken).find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new UserError(`${wordsOf(leaf)}: expected one of its options, got --${flagName(stray)}`, {
      hint: `sekft ${wordsOf(leaf)} --help lists them`,
    });
  return { ...taken, ...(leaf.opts() as Record<string, unknown>) };
}

function addOptions(leaf: Program, table: OptionTable): void {
  for (const [key, option] of Object.entries(table)) {
    // Hidden spellings stand in the group as well, or they would open one of their own.
    const add = (flags: string, help?: string) => {
      const entry = new ProgramOption(flags, help).helpGroup(`${option.group ?? "Options"}:`);
      leaf.addOption(help === undefined ? entry.hideHelp() : entry);
    };
    add(flagSyntax(flagName(key), option), describeOption(key, option));
    const { short: _, ...plain } = option;
    for (const alias of option.aliases ?? []) add(flagSyntax(alias, plain));
    if (option.type === "flag") add(`--no-${flagName(key)}`);
    if (option.type === "string" && option.negated !== undefined)
      add(`--no-${flagName(key)}`, `the same as --${flagName(key)} ${option.negated}`);
  }
  if (Object.keys(table).length > 0 && !("config" in table))
    leaf.option("--config <FILE>", "YAML file of options; a flag wins over the file");
}

// commander names a value after the flag that was written; an alias and a digit in the name must end at the table's key.
function byKey(table: OptionTable, flags: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const camel = (flag: string) => new ProgramOption(`--${flag}`).attributeName();
  return Object.fromEntries(
    Object.entries(table).map(([key, option]) => {
      const given = [flagName(key), ...(option.aliases ?? [])].map((flag) => flags[camel(flag)]);
      const value = given.find((one) => one !== undefined);
      // commander says `true` for a flag that stands alone, `false` for one that begins with no.
      if (option.type !== "string" || typeof value !== "boolean") return [key, value];
      return [key, value ? option.alone : option.negated];
    }),
  );
}
