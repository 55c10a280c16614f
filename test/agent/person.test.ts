// A person's lines as replies.

import { describe, expect, test } from "bun:test";
import { Readable, Writable } from "node:stream";
import { personModel } from "../../src/agent/person.ts";

const settings = { temperature: 0, topP: 1, seed: undefined, maxTokens: 1 };

function sit(text: string) {
  let screen = "";
  const output = new Writable({
    write(chunk, _, done) {
      screen += chunk;
      done();
    },
  });
  const model = personModel({
    input: Readable.from([text]),
    output,
    interactive: false,
    onLeave: () => undefined,
  });
  return {
    ask: async () => (await model.generate([{ role: "user", content: "al@sek:~$ " }], settings)).content,
    screen: () => screen,
  };
}

describe("a person", () => {
  test("gives a line at a time, and exit at the end of the input", async () => {
    const { ask, screen } = sit("ls -l\ncd /srv\n");
    expect([await ask(), await ask(), await ask()]).toEqual(["ls -l", "cd /srv", "exit"]);
    expect(screen()).toBe("al@sek:~$ ls -l\nal@sek:~$ cd /srv\nal@sek:~$ exit\n");
  });
  test("is not held to blank lines", async () => {
    const { ask, screen } = sit("\n  \nls\n");
    expect(await ask()).toBe("ls");
    expect(screen()).toBe("al@sek:~$ \nal@sek:~$   \nal@sek:~$ ls\n");
  });
  for (const command of [
    "cat > x <<'E'\nit's\nE",
    "echo 'one\ntwo'",
    "ls \\\n  -l",
    'echo "a $(date\n)"',
    "(cd /srv\nls)",
  ])
    test(`goes on over lines: ${JSON.stringify(command)}`, async () => {
      const { ask, screen } = sit(`${command}\npwd\n`);
      expect([await ask(), await ask()]).toEqual([command, "pwd"]);
      expect(screen()).toBe(`al@sek:~$ ${command.replaceAll("\n", "\n> ")}\nal@sek:~$ pwd\n`);
    });
  test("whose input ends in the middle of a line's rest leaves", async () => {
    const { ask } = sit("echo 'one\n");
    expect(await ask()).toBe("exit");
  });
});
