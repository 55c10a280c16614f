// `sekft completion bash|zsh|fish`: a script for the shell, made from the command list itself.

import { type Command, defineCommand } from "../base/command.ts";
import { completionScript, type Shell } from "../base/completion.ts";

const places: Record<Shell, string> = {
  bash: 'eval "$(sekft completion bash)" in ~/.bashrc',
  zsh: 'eval "$(sekft completion zsh)" in ~/.zshrc, after compinit',
  fish: "sekft completion fish | source in ~/.config/fish/config.fish",
};

/** One command a shell; `commands` gives the whole list, these included. */
export function completionCommands(commands: () => readonly Command[]): Command[] {
  return (Object.keys(places) as Shell[]).map((shell) =>
    defineCommand({
      name: `completion ${shell}`,
      summary: `Prints the completion script for ${shell}`,
      description: `Put ${places[shell]}.`,
      options: {},
      examples: [
        {
          line: shell === "fish" ? "sekft completion fish | source" : `eval "$(sekft completion ${shell})"`,
          does: "completes commands, options and their values in this shell",
        },
        {
          line: `sekft completion ${shell} > sekft.${shell}`,
          does: "saves the script, to be sourced later",
        },
      ],
      run: async (_, terminal) => terminal.out(completionScript(shell, commands())),
    }),
  );
}
