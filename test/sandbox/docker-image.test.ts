// The image: what is in it, and what happens when it is missing or another one.

import { afterAll, describe, expect, test as plainTest } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { absent, buildContext } from "../../docker/index.ts";
import { UserError } from "../../src/base/errors.ts";
import { buildImage, ensureImage, imageId } from "../../src/sandbox/docker/image.ts";
import { writeTar } from "../../src/sandbox/docker/tar.ts";
import { makeTwin } from "../../src/sandbox/docker/twin.ts";
import { need } from "../setup.ts";
import { engine, hasDocker, openDocker, smallWorld, testImage, testTag } from "./docker-engine.ts";

const test = need("docker", hasDocker);

afterAll(async () => {
  await engine?.docker
    .getImage(testTag)
    .remove()
    .catch(() => {});
});

describe("an archive", () => {
  plainTest("is one that GNU tar unpacks with every name, mode, link and time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sekft-tar-"));
    const numbers = { uid: 0, gid: 0, mtime: 1_000_000_000 };
    const long = `${"d".repeat(90)}/${"f".repeat(150)}`;
    await Bun.write(
      join(folder, "a.tar"),
      writeTar([
        { path: "d".repeat(90), type: "directory", mode: 0o750, ...numbers },
        { path: long, type: "file", mode: 0o640, ...numbers, content: Buffer.from("x".repeat(513)) },
        { path: "l", type: "symlink", mode: 0o777, ...numbers, target: "t".repeat(130) },
      ]),
    );
    const { stdout } = Bun.spawnSync(["tar", "-tvf", join(folder, "a.tar"), "--numeric-owner"], {
      env: { TZ: "UTC", PATH: process.env.PATH },
    });
    rmSync(folder, { recursive: true });
    const lines = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => line.replace(/ +/g, " "));
    expect(lines).toEqual([
      `drwxr-x--- 0/0 0 2001-09-09 01:46 ${"d".repeat(90)}/`,
      `-rw-r----- 0/0 513 2001-09-09 01:46 ${long}`,
      `lrwxrwxrwx 0/0 0 2001-09-09 01:46 l -> ${"t".repeat(130)}`,
    ]);
  });
});

describe("the image", () => {
  test("is the same bytes each time, and the engine calls it by their hash", async () => {
    const first = makeTwin(testTag);
    expect(makeTwin(testTag).archive.equals(first.archive)).toBe(true);
    expect(await testImage()).toBe(first.id);
    expect((await buildImage(engine!, { offline: true, tag: testTag })).id).toBe(first.id);
  });

  test("has dash as sh, busybox for the rest, and nothing that acts on a machine", async () => {
    await using provider = await openDocker();
    await using world = await provider.open(smallWorld());
    const say = async (command: string) => (await world.run(command)).output;
    expect(await say("for f in sh ls awk tar; do readlink /bin/$f; done")).toBe(
      "dash\nbusybox\nbusybox\nbusybox\n",
    );
    const names = (await say("ls /bin")).trim().split("\n");
    for (const name of ["cat", "sed", "grep", "find", "sort", "wc", "gzip", "vi"])
      expect(names).toContain(name);
    for (const name of [...absent].filter((name) => !["sh", "dash", "busybox"].includes(name)))
      expect(names).not.toContain(name);
    expect(await say("find / -xdev -type f ! -path '/lib*' ! -path '/proc/*' ! -path '/etc/*' | sort")).toBe(
      "/.dockerenv\n/bin/busybox\n/bin/dash\n/sbin/docker-init\n",
    );
  });

  test("that is missing is named, with how to make it", async () => {
    const error = await ensureImage(engine!, "sekft-none:1", () => {}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain("sekft-none:1");
    expect(error.hint).toContain("sandbox build");
  });

  test("that is another one than was built is refused", async () => {
    const id = await testImage();
    const { docker } = engine!;
    const other = await docker.createContainer({
      Image: id,
      Entrypoint: ["/bin/true"],
      NetworkDisabled: true,
    });
    const changed = await other.commit({ repo: "sekft-sandbox-test", tag: "latest", comment: "changed" });
    await other.remove();
    const error = await ensureImage(engine!, testTag, () => {}).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(error.message).toContain(id);
    expect(error.message).toContain("changed");
    await buildImage(engine!, { offline: true, tag: testTag });
    await docker.getImage(changed.Id).remove({ force: true });
    expect(await imageId(engine!, testTag)).toBe(id);
    expect(await ensureImage(engine!, testTag, () => {})).toBe(id);
  });
});

plainTest("the Dockerfile pins its base by digest and makes what the twin makes", () => {
  expect(buildContext.Dockerfile).toMatch(/^ARG ALPINE=alpine:\d+\.\d+@sha256:[0-9a-f]{64}$/m);
  expect(buildContext["make-userland.sh"]).toContain("ln -s / ");
  for (const name of ["sh", "su", "mount", "init"]) expect(absent.has(name)).toBe(true);
});
