// `sekft notices`: whose software is inside, for whoever passes the binary on.

import { defineCommand } from "../base/command.ts";

export const notices = defineCommand({
  name: "notices",
  summary: "Prints the licences of the software and fonts inside the binary",
  options: {},
  examples: [
    { line: "sekft notices", does: "prints whose work is inside, under which licence, and the licences" },
    { line: "sekft notices > NOTICES.md", does: "saves them, to be passed on with the binary" },
  ],
  run: async (_, terminal) => {
    const page = await import("../../THIRD_PARTY_NOTICES.md", { with: { type: "text" } });
    terminal.out(page.default);
  },
});
