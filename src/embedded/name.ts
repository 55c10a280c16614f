/** What stands for the embedded base where a path to a base is expected. Apart, so that a command can ask without loading it. */
export const embeddedName = "embedded";
