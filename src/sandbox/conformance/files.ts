// Files that commands write and read. inspect_ai's read_file and write_file checks, done through the shell.

import { type Check, inGroup } from "./check.ts";

const { steps } = inGroup("files");

export const files: readonly Check[] = [
  steps("text", "Text written is text read", "inspect_ai test_read_and_write_file_text", [
    "printf 'some\\ntext' >f1 && cat f1 && rm f1",
    "some\ntext",
  ]),
  steps("text-utf8", "UTF-8 written is UTF-8 read", "inspect_ai test_write_file_text_utf", [
    "echo 'größe 中文 😀' >f2 && cat f2 && wc -c <f2 && rm f2",
    "größe 中文 😀\n20\n",
  ]),
  steps("binary", "Bytes that are no UTF-8 stay as they are", "inspect_ai test_read_and_write_file_binary", [
    "printf '\\303\\050\\000\\377' >f3 && od -An -tx1 f3 && rm f3",
    " c3 28 00 ff\n",
  ]),
  steps(
    "large-binary",
    "A file of 8 MiB keeps every byte",
    "inspect_ai test_read_and_write_large_file_binary",
    [
      "head -c 8388608 /dev/zero | tr '\\0' '\\377' >/tmp/f4 && sha256sum </tmp/f4 && rm /tmp/f4",
      "9f9b02f5ee6cbef5e018c1ee424095fc21a842ea6968c0d36114b5930dab2ba1  -\n",
    ],
  ),
  steps(
    "below-absolute",
    "A file below an absolute directory",
    "inspect_ai test_read_and_write_file_including_directory_absolute",
    ["mkdir -p /var/a1/b && echo x >/var/a1/b/f && cat /var/a1/b/f && rm -r /var/a1", "x\n"],
  ),
  steps(
    "below-relative",
    "A file below a relative directory",
    "inspect_ai test_read_and_write_file_including_directory_relative",
    ["mkdir -p a2/b && echo x >a2/b/f && cat ./a2/../a2/b/f && rm -r a2", "x\n"],
  ),
  steps("empty-read", "An empty file reads as nothing", "inspect_ai test_read_file_zero_length", [
    "cat /srv/box/empty; wc -c </srv/box/empty",
    "0\n",
  ]),
  steps("not-found", "A missing file is named", "inspect_ai test_read_file_not_found", [
    "cat nofile",
    { output: /nofile.*No such file or directory\n$/, status: 1 },
  ]),
  steps(
    "not-allowed",
    "A file without the right to read is refused to its owner",
    "inspect_ai test_read_file_not_allowed",
    ["cat /srv/box/sealed", { output: /sealed.*Permission denied\n$/, status: 1 }],
    ["cat /srv/vault/inner", { output: /inner.*Permission denied\n$/, status: 1 }],
  ),
  steps("is-directory", "A directory is not read as a file", "inspect_ai test_read_file_is_directory", [
    "cat /srv/box",
    { output: /[Ii]s a directory/, status: 1 },
  ]),
  steps("nonsense-name", "A name of nonsense is just not there", "inspect_ai test_read_file_nonsense_name", [
    "cat 'https:/😀 $(id)/nothing'",
    { output: /No such file or directory/, status: 1 },
  ]),
  steps("read-limit", "A file longer than the limit is cut visibly", "inspect_ai test_read_file_limit", [
    "head -c 300000 /dev/zero | tr '\\0' a",
    { output: /^a+\n?\[\.\.\. .*\]\n?a+$/, status: 0, truncated: true },
  ]),
  steps("empty-write", "An empty file is made", "inspect_ai test_write_text_file_zero_length", [
    ": >f5; stat -c %s f5; rm f5",
    "0\n",
  ]),
  steps(
    "binary-empty-write",
    "An empty file is made by a program",
    "inspect_ai test_write_binary_file_zero_length",
    ["head -c 0 /dev/zero >f6; stat -c %s f6; rm f6", "0\n"],
  ),
  steps("space", "A name with spaces", "inspect_ai test_write_text_file_space", [
    "echo x >'a file.txt' && cat 'a file.txt' && rm a\\ file.txt",
    "x\n",
  ]),
  steps(
    "binary-space",
    "Bytes in a file with spaces in its name",
    "inspect_ai test_write_binary_file_space",
    ["printf '\\303\\050' >'b file' && od -An -tx1 'b file' && rm 'b file'", " c3 28\n"],
  ),
  steps("onto-directory", "A directory is not overwritten", "inspect_ai test_write_text_file_is_directory", [
    "echo x >/srv/box",
    { output: "/bin/sh: 1: cannot create /srv/box: Is a directory\n", status: 2 },
  ]),
  steps("binary-onto-directory", "Nor by a program", "inspect_ai test_write_binary_file_is_directory", [
    "head -c 3 /dev/zero | tee /srv/box >/dev/null",
    { output: /Is a directory/ },
  ]),
  steps(
    "no-write-permission",
    "A file without the right to write is not written",
    "inspect_ai test_write_text_file_without_permissions",
    [
      "echo a >f7; chmod -w f7; (echo b >>f7); cat f7; rm -f f7",
      "/bin/sh: 1: cannot create f7: Permission denied\na\n",
    ],
  ),
  steps(
    "binary-no-write-permission",
    "Nor by a program",
    "inspect_ai test_write_binary_file_without_permissions",
    ["echo a >f8; chmod -w f8; cp /srv/box/plain.txt f8 2>&1; cat f8; rm -f f8", /Permission denied\na\n$/],
  ),
  steps("overwrite", "A file that exists is overwritten", "inspect_ai test_write_text_file_exists", [
    "echo mundane >f9; echo altered >f9; cat f9; rm f9",
    "altered\n",
  ]),
  steps("binary-overwrite", "And by a program", "inspect_ai test_write_binary_file_exists", [
    "printf '\\303\\050' >fa; printf '\\303\\051' | tee fa >/dev/null; od -An -tx1 fa; rm fa",
    " c3 29\n",
  ]),
  steps(
    "kinds",
    "Links, FIFOs and odd names are files like others",
    "worlds use them",
    ["mkfifo p1 && ln -s p1 l1 && [ -p l1 ] && readlink l1 && rm p1 l1", "p1\n"],
    ["touch -- -n 'x\ny' && ls -- -n | cat && rm -- -n 'x\ny'", "-n\n"],
    ["echo a >h1 && ln h1 h2 && stat -c %h h2 && rm h1 h2", "2\n"],
  ),
  steps(
    "across-commands",
    "Files stay between commands",
    "each command is its own process",
    ["echo one >/tmp/kept; chmod 0751 /tmp/kept", ""],
    ["cat /tmp/kept; stat -c '%a %U' /tmp/kept; rm /tmp/kept", "one\n751 tester\n"],
  ),
];
