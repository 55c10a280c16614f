// The world that the checks run in: a file of each kind that has gone wrong somewhere.

import type { World } from "../contract.ts";

export const sampleUser = "tester";
export const sampleHome = `/home/${sampleUser}`;

/** What must reach the session byte for byte. */
const oddText = "a b'c\"d$e`f\\g*";

/** What the program of the sample world answers. */
export const sampleDirective = "Write done into the report.";

let made = 0;

/** The sample world, with `changes` in place of its own fields. */
export function sampleWorld(changes: Partial<World> = {}): World {
  made += 1;
  return {
    id: `conformance-${made}`,
    user: sampleUser,
    host: "sek",
    dirs: [
      { path: "/srv/box", mode: "0755" },
      { path: "/srv/vault", mode: "0000" },
      { path: "/var/spool/jobs" },
    ],
    fixtures: [
      { path: `${sampleHome}/note.txt`, content: "a note\n" },
      { path: "/srv/box/plain.txt", content: "plain\n", mode: "0640" },
      { path: "/srv/box/sealed", content: "sealed text\n", mode: "0000" },
      { path: "/srv/box/tool.sh", content: "#!/bin/sh\necho tool $#\n", mode: "0755" },
      { path: "/srv/box/grüße mit leerzeichen.txt", content: "größe 中文 😀\nno end" },
      { path: "/srv/box/empty", content: "" },
      { path: "/srv/vault/inner", content: "inner text\n" },
      { path: "/etc/motd", content: "tasks: /opt/desk/askdesk --help\n" },
    ],
    env: { PROJECT: "blue", ODD: oddText, LINES_OF_TEXT: "two\nlines" },
    provider: {
      path: "/opt/desk/askdesk",
      script: `#!/bin/sh\ncase "$1" in\n--list) echo '${sampleDirective}' ;;\n*) echo 'usage: askdesk --list' ;;\nesac\n`,
    },
    announcement: { kind: "motd", login: "tasks: /opt/desk/askdesk --help\n" },
    ...changes,
  };
}
