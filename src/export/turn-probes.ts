// Conversations that a format and a chat template must write alike before the format is believed.

import type { Turn, TurnFormat } from "./turn-format.ts";

/** One conversation. */
export interface Probe {
  /** What is special about it, in words that complete "it writes ...". */
  readonly name: string;
  readonly turns: readonly Turn[];
  /** Of a kind that is worth a note, not a refusal. */
  readonly rare?: boolean;
  /** A template may refuse it. */
  readonly mayRefuse?: boolean;
}

/** White space, empty lines, quotes and braces at the edges, beyond ASCII. */
const contents = [
  "ls -la /etc | head -n 3",
  "total 8\nalice@sek:~$ ",
  "\n\n  indented\n\n",
  "\u00a0\u3000 wide blanks \u2028",
  "{{ .Content }} {% raw %} \"quoted\" 'single' `back` \\n",
  "naïve ☕ 日本語 𝒳",
  "[INST] <<SYS>>",
];

const say = (role: string, content: string): Turn => ({ role, content });

/** The probes for a format; those of alternating formats keep to the order they need. */
export function probesOf(format: TurnFormat): Probe[] {
  const at = (i: number) => contents[i % contents.length]!;
  const probes: Probe[] = [];
  const refusesSystem = format.kind === "alternating" && format.system.place === "folded";
  for (let i = 0; i < contents.length; i++) {
    const session = [
      say("user", at(i)),
      say("assistant", at(i + 1)),
      say("user", at(i + 2)),
      say("assistant", at(i + 3)),
      say("user", at(i + 4)),
    ];
    for (const length of [1, 3, 5]) {
      const turns = session.slice(0, length);
      probes.push({ name: "user and assistant turns", turns });
      if (!refusesSystem)
        probes.push({ name: "a system turn", turns: [say("system", at(i + 5)), ...turns], mayRefuse: true });
    }
    probes.push({
      name: "a last turn of the assistant",
      turns: session.slice(0, 4),
      rare: true,
      mayRefuse: true,
    });
  }
  if (format.kind === "free") {
    const turns = [say("assistant", at(1)), say("user", at(0)), say("user", at(2)), say("system", at(3))];
    probes.push({
      name: "turns in any order",
      turns: [...turns, say("assistant", at(4)), say("user", at(5))],
    });
  }
  for (const [name, content] of [
    ["an empty turn", ""],
    ["a turn of white space", " \n"],
    ["a </think> in an assistant turn", "<think>\nhm\n</think>\n\nls"],
  ] as const)
    for (const turns of [
      [say("user", "a"), say("assistant", content), say("user", "b")],
      [say("user", content), say("assistant", "a"), say("user", "b")],
      [say("system", content), say("user", "a")],
    ])
      if (!refusesSystem || turns[0]?.role !== "system")
        probes.push({ name, turns, rare: true, mayRefuse: true });
  return probes;
}
