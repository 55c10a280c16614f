import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceCommit } from "../../src/base/version.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";

function checkout(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "sekft-version-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, ".git", path, ".."), { recursive: true });
    writeFileSync(join(root, ".git", path), text);
  }
  return root;
}

// These are no repositories that git itself would open, so only our own reading answers.
test("the commit is found without git: on a branch, in packed refs, detached", () => {
  const head = "ref: refs/heads/main\n";
  expect(sourceCommit(checkout({ HEAD: head, "refs/heads/main": `${commit}\n` }))).toBe("0123456789ab");
  const packed = `# pack-refs\n${commit.replaceAll("0", "f")} refs/heads/other\n${commit} refs/heads/main\n`;
  expect(sourceCommit(checkout({ HEAD: head, "packed-refs": packed }))).toBe("0123456789ab");
  expect(sourceCommit(checkout({ HEAD: `${commit}\n` }))).toBe("0123456789ab");
});

test("outside of a checkout the commit is unknown", () => {
  expect(sourceCommit(checkout({}))).toBe("unknown");
});
