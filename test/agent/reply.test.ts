// Replies as models really write them, and what is made of them.

import { describe, expect, test } from "bun:test";
import { readReply } from "../../src/agent/reply.ts";
import { trajectories } from "./recorded-world.ts";

const known = ["hupta"];
const read = (text: string) => readReply(text, { known });

describe("a reply is run as it is", () => {
  const untouched = [
    "ls -la /srv",
    "hupta --help",
    "cat <<'EOF' > notes.md\n# Title\nThis is a sentence, and it is not a command.\n```sh\nls\n```\nEOF",
    "printf '%s\\n' 'I would say so.' 'The end.' > x",
    "echo 'First line.\nThis is the second line, to be sure.'",
    'for f in *.conf; do\n  sed -i "s/a/b/" "$f"\ndone',
    "# count them\ngrep -c x y",
    "FOO=1 ./run",
    "$SEK_TASKS --help",
    "/opt/nod/myropim list",
    "if [ -f x ]; then\n  cat x\nfi",
    "find . -name '*.tmp' -exec rm {} \\;",
    "echo $((1 + 2)) | tee out",
    "python3 -c 'print(1)'",
    "grep '</s>' page.html",
    "find the directive",
    "make sure it works",
    "cat file\\ ",
    "git status",
    "echo `date`",
    "awk '{ print $1 }' a.txt",
    "(cd /srv && ls)",
    '(cd /srv && for f in *.txt; do mv "$f" "old-$f"; done)',
    "exit",
    "panic",
    "> empty",
    "[ -e x ] && echo yes",
    "let x=1",
    "sort <a >b 2>&1",
    "help",
  ];
  for (const text of untouched)
    test(JSON.stringify(text), () => expect(read(text)).toMatchObject({ command: text, prose: "none" }));
  test("and so is every command of the corpus", () => {
    for (const { turns } of trajectories)
      for (const { role, content } of turns)
        if (role === "assistant") {
          const { command, prose } = readReply(content);
          expect({ command, prose }).toEqual({ command: content, prose: "none" });
        }
  });
});

describe("markup is taken off", () => {
  const cases: [reply: string, command: string][] = [
    ["```sh\nls\n```", "ls"],
    ["```bash\ncd /srv\nls\n```\n", "cd /srv\nls"],
    ["```\nhupta --help\n```", "hupta --help"],
    ["```ls -l```", "ls -l"],
    ["```bash ls -l```", "ls -l"],
    ["~~~\nls\n~~~", "ls"],
    ["`ls -l`", "ls -l"],
    ["$ ls", "ls"],
    ["alice@sek:~$ ls -l", "ls -l"],
    ["alice@sek:/srv/x$ ls\nalice@sek:/srv/x$ pwd", "ls\npwd"],
    ["```console\n$ ls\n$ pwd\n```", "ls\npwd"],
    ["<think>\nThe user wants a listing.\n</think>\n\nls", "ls"],
    ["The user wants a listing.\n</think>\nls", "ls"],
    ["ls<|im_end|>", "ls"],
    ["ls</s>", "ls"],
    ["<|im_start|>assistant\nls<|im_end|>\n<|im_start|>user\nfile", "ls"],
    ["  ls  \n\n", "ls"],
    ["ls\r\npwd\r\n", "ls\npwd"],
    ["l\0s", "ls"],
    ["```sh\nls", "ls"],
    ["```sh\ncat > a.md <<'E'\ntext\nE\n```", "cat > a.md <<'E'\ntext\nE"],
    ["ls\n```", "ls"],
    ["```sh\nls\n```\n```sh\npwd\n```", "ls\npwd"],
  ];
  for (const [reply, command] of cases)
    test(JSON.stringify(reply), () => expect(read(reply)).toMatchObject({ command, prose: "none" }));
});

describe("words are noticed", () => {
  const talk = [
    "I would start by looking at the files in the directory.",
    "Sure! Here is what I would do.",
    "To complete this task, I need to know what the directive is.",
    "I'm sorry, but I can't help with that.",
    "The file has been created successfully.",
    "let me look at the help first",
    "Let's list the files",
    "i will now list the files",
    "Okay.",
    "Done.",
    "Hello, world!",
    "First, run the program.\nThen, read its output.",
    "1. List the files\n2. Read the notice",
    "- look around\n- read the notice",
    "**Step 1:** look around",
    "# I will look around now",
    "### Looking around",
    "What would you like me to do?",
    "Welcome, alice. Your tasks are served by hupta.",
    "Ich sehe mir zuerst die Dateien an.",
    "我先看看目录里有什么文件。",
    '"I should look around."',
    "As an AI language model, I cannot run commands.",
    "It seems that the queue is empty, so there is nothing to do.",
    "Based on the output, the next step is to run `hupta --help`.",
    "You can use the `ls` command to list the files in the current directory.",
    "We need to find out where our directives are.\n\nThe variable says where.",
    "In order to proceed I need more information",
    "Thank you for the information",
    "Now I understand.",
  ];
  for (const text of talk)
    test(JSON.stringify(text), () =>
      expect(read(text)).toMatchObject({ command: text.trim(), prose: "only" }),
    );

  const mixed: [reply: string, command: string, stripped: string][] = [
    ["Sure, here it is:\n```sh\nls\n```", "ls", "ls"],
    ["```sh\nls\n```\nThis lists the files in the directory.", "ls", "ls"],
    ["I will list the files.\nls -l", "I will list the files.\nls -l", "ls -l"],
    ["Now I am done with the task.\n\nexit", "Now I am done with the task.\n\nexit", "exit"],
    ["ls -l\nThis lists the files.", "ls -l\nThis lists the files.", "ls -l"],
    ['I have this:\n```json\n{"a": 1}\n```\nand I run\n```sh\ncat a.json\n```', "cat a.json", "cat a.json"],
  ];
  for (const [reply, command, stripped] of mixed)
    test(`beside a command: ${JSON.stringify(reply)}`, () => {
      expect(read(reply)).toMatchObject({ command, prose: "some" });
      expect(readReply(reply, { known, stripProse: true })).toMatchObject({
        command: stripped,
        prose: "some",
      });
    });
});

describe("what is no command and no sentence", () => {
  for (const text of [
    "asdf qwer",
    "%%%@@@ ###",
    "{}[]!!",
    "zxcvbnm",
    "\u{fffd}\u{fffd}",
    '{"foo": 1}',
    "<html>",
  ])
    test(`${JSON.stringify(text)} is not plausible`, () =>
      expect(read(text)).toMatchObject({ command: text, plausible: false }));
  for (const text of ["", "   \n", "<think>and so on", "```\n```", "$ "])
    test(`${JSON.stringify(text)} leaves nothing to run`, () => expect(read(text).command).toBe(""));
});
