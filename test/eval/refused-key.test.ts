import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SekftError } from "../../src/base/errors.ts";
import { scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { armsAt, runScripted, scratch } from "./run-scripted.ts";
import { heldOut } from "./scripted-operators.ts";

const test = need("bubblewrap", bubblewrap !== undefined);

test("a key that is refused ends an eval at once, says what to do, and scores nothing", async () => {
  using folder = scratch();
  using server = scriptedEndpoint(() => Response.json({ error: { message: "bad key" } }, { status: 401 }));
  const failure = await runScripted(folder.path, await armsAt(server.url, ["m"]), heldOut).then(
    () => undefined,
    (error: SekftError) => error,
  );
  expect(failure?.message).toContain("expected a key that is accepted, got status 401");
  expect(failure?.hint).toBe("give one with --key or SEKFT_KEY");
  expect(readFileSync(join(folder.path, "episodes.jsonl"), "utf8")).toBe("");
});
