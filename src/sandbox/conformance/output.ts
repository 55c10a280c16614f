// What is kept of output: head, marker and tail, with the length and hash of all of it.

import { createHash } from "node:crypto";
import { type Check, inGroup } from "./check.ts";
import { expectResult, holds, like, same } from "./expectations.ts";

const { check, steps } = inGroup("output");
const sha256 = (bytes: string | Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export const output: readonly Check[] = [
  check(
    "hash",
    "Length and hash are those of every byte",
    "design 10: the log keeps hash and full length",
    async (stage) => {
      const result = await stage.run(await stage.shared(), "printf 'grüße\\n'; echo err >&2");
      const bytes = new TextEncoder().encode("grüße\nerr\n");
      same(
        "bytes, hash, truncated",
        [result.outputBytes, result.outputSha256, result.truncated],
        [bytes.length, sha256(bytes), false],
      );
    },
  ),
  check(
    "cut",
    "Long output keeps head and tail around a visible marker",
    "SWE-agent keeps only the head, inspect_ai only the tail",
    async (stage) => {
      const sandbox = await stage.shared();
      const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i + 1}\n`).join("");
      const result = await stage.run(
        sandbox,
        "awk 'BEGIN { for (i = 1; i <= 20000; i++) print \"line \" i }'",
      );
      same(
        "bytes, hash, truncated, status",
        [result.outputBytes, result.outputSha256, result.truncated, result.status],
        [lines.length, sha256(lines), true, 0],
      );
      const limit = stage.provider.limits.outputBytes;
      holds(
        "characters kept",
        result.output.length,
        `at most ${limit} and a marker`,
        result.output.length <= limit + 200,
      );
      holds("characters kept", result.output.length, `nearly ${limit}`, result.output.length >= limit * 0.9);
      same("its head", result.output.slice(0, 14), "line 1\nline 2\n");
      same("its tail", result.output.slice(-22), "line 19999\nline 20000\n");
      like("its marker", result.output, /\[\.\.\. [\d,. ]+ ?bytes .*\.\.\.\]|\[\.\.\. .*\d+.*\]/);
    },
  ),
  check(
    "not-cut",
    "Output of exactly the limit is whole",
    "an off-by-one would mark what is complete",
    async (stage) => {
      const limit = stage.provider.limits.outputBytes;
      const whole = await stage.run(await stage.shared(), `head -c ${limit} /dev/zero | tr '\\0' b`);
      same("truncated, length", [whole.truncated, whole.output.length], [false, limit]);
      const more = await stage.run(await stage.shared(), `head -c ${limit + 1} /dev/zero | tr '\\0' b`);
      same("truncated, bytes", [more.truncated, more.outputBytes], [true, limit + 1]);
    },
  ),
  check("large", "20 MiB of output are counted and hashed, not kept", "inspect_ai 50 MB", async (stage) => {
    const size = 20 * 2 ** 20;
    const result = await stage.run(await stage.shared(), `head -c ${size} /dev/zero | tr '\\0' a`, 30_000);
    same(
      "bytes, hash, timed out",
      [result.outputBytes, result.outputSha256, result.timedOut],
      [size, sha256(Buffer.alloc(size, "a")), false],
    );
    holds(
      "characters kept",
      result.output.length,
      "few",
      result.output.length < stage.provider.limits.outputBytes + 200,
    );
  }),
  check("endless", "Endless output ends", "bigcode unbounded_output", async (stage) => {
    const sandbox = await stage.open();
    const began = performance.now();
    const result = await stage.run(sandbox, "yes endless", 3000);
    const tookMs = Math.round(performance.now() - began);
    holds("milliseconds", tookMs, "less than 12000", tookMs < 12_000);
    same("truncated", result.truncated, true);
    holds("status", result.status, "not 0", result.status !== 0);
    expectResult("echo", await stage.run(sandbox, "echo on; ps -o args | grep -c '[y]es endless'"), {
      output: "on\n0\n",
      status: 1,
    });
  }),
  check(
    "invalid-utf8",
    "What is no UTF-8 becomes U+FFFD, the hash is of the bytes",
    "inspect_ai: invalid UTF-8",
    async (stage) => {
      const result = await stage.run(await stage.shared(), "printf 'a\\377\\303(b\\n'");
      same("output", result.output, "a\ufffd\ufffd(b\n");
      same(
        "bytes, hash",
        [result.outputBytes, result.outputSha256],
        [6, sha256(Uint8Array.of(97, 255, 195, 40, 98, 10))],
      );
    },
  ),
  steps("nul", "NULs are dropped from what is shown", "section 3: NULs", [
    "printf 'a\\0b\\0\\0c\\n'",
    "abc\n",
  ]),
  steps("control", "Control characters arrive as they are", "the viewer escapes them, not the sandbox", [
    "printf '\\033[31mred\\033[0m\\r\\ta\\bb\\n'",
    "\x1b[31mred\x1b[0m\r\ta\bb\n",
  ]),
  steps(
    "descriptors",
    "Other descriptors than 1 and 2 are closed or harmless",
    "a command must not write into the harness",
    ["(echo a >&3) 2>/dev/null || echo closed; echo b", "closed\nb\n"],
  ),
  steps(
    "closed",
    "A command may close its output",
    "section 3: `exec 1>&-` silences a trap",
    ["exec >&-; echo unseen; exec 2>&-", { output: /^(\/bin\/sh: .*\n)?$/ }],
    ["echo seen", "seen\n"],
  ),
  steps(
    "redirected",
    "A command may send its output elsewhere",
    "section 3",
    ["exec >/tmp/gone 2>&1; echo unseen", ""],
    ["cat /tmp/gone; rm /tmp/gone", "unseen\n"],
  ),
  steps(
    "no-marker",
    "What looks like the harness's own marker is plain output",
    "ReX: the model can print the marker",
    [
      "echo '[... 123 bytes left out ...]'; echo EXIT 0; echo __END__",
      { output: "[... 123 bytes left out ...]\nEXIT 0\n__END__\n", status: 0, truncated: false },
    ],
  ),
];
