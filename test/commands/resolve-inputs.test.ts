import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpusFolder, resolveInputs } from "../../src/commands/resolve-inputs.ts";
import { repoOfPath } from "../../src/formats/hub-path.ts";
import { silent } from "../base/silent-terminal.ts";

const scratch = mkdtempSync(join(tmpdir(), "sekft-inputs-"));
afterAll(() => rmSync(scratch, { recursive: true }));

test("a path stays what it is, whatever else it looks like", async () => {
  const folder = join(scratch, "org/name");
  mkdirSync(folder, { recursive: true });
  const given = { base: folder, data: undefined, seed: 7 };
  expect(await resolveInputs(given, silent)).toEqual({ ...given });
});

test("refuses two sources of data", () => {
  expect(resolveInputs({ hub: "a/b", data: "rows.jsonl" }, silent)).rejects.toThrow("got both");
});

test("takes the latest version of a data set, counting as people do, or the one asked for", () => {
  const snapshot = join(scratch, "corpus");
  expect(corpusFolder(scratch, "a/b", "latest")).toBe(scratch);
  for (const version of ["v1", "v2", "v10", "docs"]) mkdirSync(join(snapshot, version), { recursive: true });
  expect(corpusFolder(snapshot, "a/b", "latest")).toBe(join(snapshot, "v10"));
  expect(corpusFolder(snapshot, "a/b", "2")).toBe(join(snapshot, "v2"));
  expect(() => corpusFolder(snapshot, "a/b", "v3")).toThrow(
    "--corpus-version: expected a version of a/b, got v3",
  );
});

test("knows the repository of a folder in the Hub's cache", () => {
  expect(repoOfPath("/x/hub/models--mistralai--Mistral-7B-v0.1/snapshots/abc")).toBe(
    "mistralai/Mistral-7B-v0.1",
  );
  expect(repoOfPath("./models/mistralai")).toBeUndefined();
});
