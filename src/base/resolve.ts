// Flag over config file over default: from what was given to what a command receives.

import { UserError } from "./errors.ts";
import { flagName, type Options, type OptionTable } from "./options.ts";
import { flagValue } from "./values.ts";

/** The values a command runs with. `flags` holds raw text by key, `config` values that were already checked.
 *  @throws UserError for a flag that does not fit its option, or a required option that is missing. */
export function resolveOptions<T extends OptionTable>(
  table: T,
  flags: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>> = {},
): Options<T> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) {
    if (flags[key] !== undefined) values[key] = flagValue(key, option, flags[key]);
    else if (config[key] !== undefined) values[key] = config[key];
    else if (option.default !== undefined || option.type === "flag") values[key] = option.default ?? false;
    else if (option.required)
      throw new UserError(`--${flagName(key)}: expected a value, got nothing`, {
        hint: `${option.help}; give it as --${flagName(key)} ${option.value ?? "VALUE"} or in a --config file`,
      });
    else values[key] = undefined;
  }
  return values as Options<T>;
}
