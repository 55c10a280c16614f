// `sekft sandbox build` and `clean`, and which provider a command gets.

import { afterAll, describe, expect, test as plainTest } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { defaultLimits } from "../../src/sandbox/contract.ts";
import { makeTwin } from "../../src/sandbox/docker/twin.ts";
import { openProvider } from "../../src/sandbox/open-provider.ts";
import { limitsOf, sandboxOptions } from "../../src/sandbox/sandbox-options.ts";
import { need } from "../setup.ts";
import { engine, hasDocker, testImage, testTag } from "./docker-engine.ts";

const test = need("docker", hasDocker);
const root = join(import.meta.dir, "../..");
const state = mkdtempSync(join(tmpdir(), "sekft-state-"));
const tag = "sekft-sandbox-test-commands:latest";

function sekft(words: string[], env: Record<string, string> = {}) {
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, join(root, "cli.ts"), ...words], {
    env: { ...process.env, XDG_STATE_HOME: state, ...env },
  });
  return { out: stdout.toString(), err: stderr.toString(), code: exitCode };
}

const defaults = {
  ...Object.fromEntries(
    Object.entries(sandboxOptions).map(([key, option]) => [
      key,
      "default" in option ? option.default : undefined,
    ]),
  ),
} as Parameters<typeof openProvider>[0];

afterAll(async () => {
  for (const name of [tag, testTag])
    await engine?.docker
      .getImage(name)
      .remove()
      .catch(() => {});
  rmSync(state, { recursive: true, force: true });
});

describe("sandbox build", () => {
  test("prints the id that the engine has, and the same one again", async () => {
    const first = sekft(["sandbox", "build", "--offline", "--tag", tag]);
    expect(first).toMatchObject({ code: 0, out: `${makeTwin(tag).id}\n` });
    const { out } = sekft(["sandbox", "build", "--offline", "--tag", tag, "--json"]);
    expect(JSON.parse(out)).toMatchObject({ tag, id: first.out.trim(), kind: "offline twin" });
    expect((await engine!.docker.getImage(tag).inspect()).Id).toBe(first.out.trim());
  });

  plainTest("without an engine says how to get one and offers bubblewrap", () => {
    const { code, err } = sekft(["sandbox", "build"], { DOCKER_HOST: "unix:///nowhere/engine.sock" });
    expect(code).toBe(2);
    for (const words of ["unix:///nowhere/engine.sock", "docker.io", "--sandbox bubblewrap"])
      expect(err).toContain(words);
  });

  plainTest("with a DOCKER_HOST that is none says what one looks like", () => {
    const { code, err } = sekft(["sandbox", "build"], { DOCKER_HOST: "somewhere" });
    expect(code).toBe(2);
    expect(err).toContain('expected unix://, tcp:// or ssh://, got "somewhere"');
  });
});

test("sandbox clean says what it would remove, as lines and as JSON", async () => {
  const { docker } = engine!;
  const labels = { "sekft.run": "dead", "sekft.pid": "1", "sekft.boot": "x:1", "sekft.host": "elsewhere" };
  const left = await docker.createContainer({
    Image: await testImage(),
    Entrypoint: ["/bin/true"],
    Labels: labels,
  });
  try {
    const { Name } = await left.inspect();
    const line = `container ${Name.slice(1)} (created)`;
    const plan = ["sandbox", "clean", "--sandbox", "docker", "--dry-run"];
    expect(sekft([...plan, "--all"]).out.split("\n")).toContain(line);
    expect(JSON.parse(sekft([...plan, "--all", "--json"]).out)).toMatchObject({
      dry_run: true,
      removed: expect.arrayContaining([line]),
    });
    // Another machine's: not ours to judge.
    expect(sekft(plan).out).not.toContain(line);
  } finally {
    await left.remove({ force: true });
  }
});

describe("a provider", () => {
  test("is Docker with the image that is named", async () => {
    const image = await testImage();
    await using provider = await openProvider(
      { ...defaults, sandbox: "docker", image, memory: 64 },
      () => {},
    );
    expect(await provider.facts()).toMatchObject({ provider: "docker", image, version: engine!.version });
    expect(provider.limits).toEqual({ ...defaultLimits, memoryBytes: 64 * 2 ** 20 });
  });

  test("is not something else when the named image is missing", async () => {
    const error = await openProvider({ ...defaults, image: "sekft-none:1" }, () => {}).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain("sekft-none:1");
  });

  plainTest("has the limits of the contract by default", () =>
    expect(limitsOf(defaults)).toEqual(defaultLimits),
  );

  need("bubblewrap", Bun.which("bwrap") !== null)(
    "is bubblewrap where no engine answers, and says so once",
    async () => {
      const before = process.env.DOCKER_HOST;
      process.env.DOCKER_HOST = "unix:///nowhere/engine.sock";
      const notes: string[] = [];
      try {
        await using provider = await openProvider(defaults, (line) => notes.push(line));
        expect(provider.name).toBe("bubblewrap");
        expect(notes.filter((line) => line.includes("bubblewrap"))).toHaveLength(1);
        const refused = await openProvider({ ...defaults, sandbox: "docker" }, () => {}).catch(
          (thrown) => thrown,
        );
        expect(refused.hint).toContain("--sandbox bubblewrap");
      } finally {
        if (before === undefined) delete process.env.DOCKER_HOST;
        else process.env.DOCKER_HOST = before;
      }
    },
  );
});
