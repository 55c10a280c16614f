// Reads the options of a command from a YAML (or JSON) file.

import type { OptionTable } from "./options.ts";
import { readYamlText, YamlValue } from "./yaml-file.ts";

/** The checked values of the options of `table` that the file sets; a null value counts as not set.
 *  Keys may be written in kebab, snake or camel case.
 *  @throws UserError when the file cannot be read, DataError with file, line and key when it does not fit the table. */
export function readConfig(path: string, table: OptionTable): Record<string, unknown> {
  return YamlValue.parse(readYamlText(path, `--config ${path}`), path).options(table, "of this command");
}
