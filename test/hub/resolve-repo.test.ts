import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveRepo } from "../../src/hub/resolve-repo.ts";
import { commit, startHub } from "./hub-server.ts";
import { listener } from "./listener.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-resolve-"));
const before = { ...process.env };
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

test("org/name stands for the snapshot, downloaded once; a path stays a path", async () => {
  await using hub = await startHub({ files: [{ path: "config.json", content: Buffer.from("{}") }] });
  Object.assign(process.env, { HF_HOME: folder, HF_ENDPOINT: hub.endpoint });
  const lockFile = join(folder, "sekft.lock");
  expect(await resolveRepo(folder, listener())).toBe(folder);
  expect(await resolveRepo("./not/there", listener())).toBe("./not/there");
  await expect(resolveRepo("org/name", listener(), { lockFile, offline: true })).rejects.toThrow(
    /in the cache/,
  );
  const path = await resolveRepo("org/name", listener(), { lockFile });
  expect(path).toBe(join(folder, "hub/models--org--name/snapshots", commit));
  expect(readFileSync(join(path, "config.json"), "utf8")).toBe("{}");
  const asked = hub.log.length;
  expect(await resolveRepo("org/name", listener(), { lockFile })).toBe(path);
  expect(hub.log.length).toBe(asked);
  await expect(resolveRepo("org/other", listener(), { lockFile })).rejects.toThrow(/org\/other/);
});
