// One table per command. The parser, --help, the config file check, the defaults and the saved options.json all come from it.

/** What every option has. */
interface OptionBase {
  /** One line; the default and the unit are added by --help. */
  readonly help: string;
  /** Heading under which --help lists it. */
  readonly group?: string;
  /** Placeholder in --help, e.g. `DIR`. */
  readonly value?: string;
  /** What --help calls the default of an option that has none because the command decides, e.g. `16`. */
  readonly usual?: string;
  /** Unit shown in --help, e.g. `tokens`. */
  readonly unit?: string;
  /** One-letter alias without the dash. */
  readonly short?: string;
  /** Other long names (kebab case, without dashes) that mean the same. */
  readonly aliases?: readonly string[];
  /** The command refuses to start without it. */
  readonly required?: boolean;
}
export interface NumberOption extends OptionBase {
  readonly type: "int" | "float";
  readonly default?: number;
  readonly min?: number;
  readonly max?: number;
}
export interface StringOption extends OptionBase {
  readonly type: "string";
  readonly default?: string;
  readonly choices?: readonly string[];
  /** A config file may write it as a map (`rank_pattern: {q_proj: 8}`); the command receives the map as JSON. */
  readonly map?: boolean;
  /** A config file may write it as a list of maps; the command receives that as JSON too. */
  readonly list?: boolean;
  /** What the flag means when it stands alone; without this it needs a value. */
  readonly alone?: string;
  /** What `--no-<flag>` means; without this there is no such flag. */
  readonly negated?: string;
}
export interface ListOption extends OptionBase {
  readonly type: "list";
  readonly default?: readonly string[];
  readonly choices?: readonly string[];
}
export interface FlagOption extends OptionBase {
  readonly type: "flag";
  readonly default?: boolean;
}
export type Option = NumberOption | StringOption | ListOption | FlagOption;
/** Keys are camelCase; the flag is the key in kebab case. */
export type OptionTable = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends NumberOption
  ? number
  : O extends StringOption
    ? string
    : O extends ListOption
      ? readonly string[]
      : boolean;
type HasDefault<O extends Option> = O extends { readonly default: unknown } | { readonly required: true }
  ? true
  : O extends FlagOption
    ? true
    : false;

/** The resolved values of a table: what is neither required nor has a default is `undefined` when not given; flags are false. */
export type Options<T extends OptionTable> = {
  readonly [K in keyof T]: HasDefault<T[K]> extends true ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

/** `loraAlpha` -> `lora-alpha`, `load4bit` -> `load-4bit`, `adamBeta1` -> `adam-beta1`. */
export function flagName(key: string): string {
  return key.replace(/[A-Z]|(?<=[a-z])\d+(?=[a-z])/g, (start) => `-${start.toLowerCase()}`);
}

/** `lora-alpha` and `lora_alpha` -> `loraAlpha`. */
function keyName(name: string): string {
  return name.replace(/[-_]+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The key of `table` that `name` means, in kebab, snake or camel case, or by an alias. */
export function findKey(table: OptionTable, name: string): string | undefined {
  const key = keyName(name);
  if (Object.hasOwn(table, key)) return key;
  return Object.keys(table).find((candidate) =>
    table[candidate]?.aliases?.some((alias) => keyName(alias) === key),
  );
}

/** What options.json holds: snake case names as in transformers' `TrainingArguments`, absent values as null.
 *  The file can be given back with `--config`. */
export function serialiseOptions(
  table: OptionTable,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(table).map((key) => [flagName(key).replaceAll("-", "_"), values[key] ?? null]),
  );
}
