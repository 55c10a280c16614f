// What an engine's words mean. The messages are those of engine 20.10 and its successors, and of broken connections.

import { describe, expect, test } from "bun:test";
import { defaultLimits } from "../../src/sandbox/contract.ts";
import { engineProperties } from "../../src/sandbox/docker/docker-provider.ts";
import { engineAddress } from "../../src/sandbox/docker/engine.ts";
import { engineFailure, isImageMissing, worldFailure } from "../../src/sandbox/docker/engine-failure.ts";
import { FrameReader } from "../../src/sandbox/docker/frames.ts";

const id = "601630af23881d954cae7b42776b58e2115873c253a1094a1ac2b5ee0b8bce27";
const said = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) - ${message} `), { statusCode, json: { message } });
const broken = (code: string, message: string) => Object.assign(new Error(message), { code });

describe("an engine's error", () => {
  const cases: [string, unknown, string, boolean][] = [
    ["no socket", broken("ENOENT", "connect ENOENT /var/run/docker.sock"), "provider_dead", true],
    ["nobody listens", broken("ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:2375"), "provider_dead", true],
    ["no permission", broken("EACCES", "connect EACCES /var/run/docker.sock"), "provider_dead", true],
    ["cut off", broken("ECONNRESET", "socket hang up"), "provider_dead", true],
    [
      "cut off in Bun",
      broken("ConnectionClosed", "The socket connection was closed unexpectedly."),
      "provider_dead",
      true,
    ],
    ["stopped", said(409, `Container ${id} is not running`), "sandbox_dead", true],
    [
      "paused",
      said(409, `Container ${id} is paused, unpause the container before exec`),
      "sandbox_dead",
      true,
    ],
    ["unknown", said(404, `No such container: ${id}`), "sandbox_dead", true],
    ["unknown program", said(404, `No such exec instance: ${id}`), "sandbox_dead", true],
    ["going", said(409, `removal of container ${id} is already in progress`), "sandbox_dead", true],
    ["gone task", said(500, `task ${id} not found: not found`), "sandbox_dead", true],
    [
      "full disk",
      said(500, "mkdir /var/lib/docker/vfs/dir/1: no space left on device"),
      "provider_dead",
      false,
    ],
    ["asked wrongly", said(400, "invalid reference format"), "provider_dead", false],
    [
      "its own trouble",
      said(500, "dial unix /run/containerd/containerd.sock: connect: refused"),
      "provider_dead",
      true,
    ],
  ];
  for (const [name, error, kind, retryable] of cases)
    test(`${name}: ${kind}${retryable ? "" : ", not tried again"}`, () => {
      const failure = engineFailure("docker exec", error);
      expect({ kind: failure.kind as string, retryable: failure.retryable }).toEqual({ kind, retryable });
      expect(failure.cause).toBe(error);
    });

  test("that is classified already stays as it is", () => {
    const failure = engineFailure("a", broken("ENOENT", "x"));
    expect(engineFailure("b", failure)).toBe(failure);
  });
  test("about an image tells that there is none", () => {
    expect(isImageMissing(said(404, "No such image: sekft-sandbox:latest"))).toBe(true);
    expect(isImageMissing(said(500, "No such image: sekft-sandbox:latest"))).toBe(false);
    expect(isImageMissing(broken("ENOENT", "connect ENOENT"))).toBe(false);
  });
});

describe("a world in which nothing starts", () => {
  const kind = (running: boolean, killedForMemory: boolean, memoryShare?: number) =>
    worldFailure("docker exec", { running, killedForMemory, memoryShare }, "said").kind;
  test("and that ended is dead, or out of memory when the kernel killed in it", () => {
    expect(kind(false, false)).toBe("sandbox_dead");
    expect(kind(false, true)).toBe("oom");
  });
  test("and that runs is out of memory when it is full", () => {
    expect(kind(true, false, 0.99)).toBe("oom");
    expect(kind(true, false, 0.5)).toBe("sandbox_dead");
    expect(kind(true, false)).toBe("sandbox_dead");
  });
});

describe("frames", () => {
  const frame = (stream: number, text: string) => {
    const bytes = Buffer.from(text);
    const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
    header.writeUInt32BE(bytes.length, 4);
    return Buffer.concat([header, bytes]);
  };
  test("come apart whatever the pieces are", () => {
    const whole = Buffer.concat([
      frame(1, "one"),
      frame(2, "größe"),
      frame(1, ""),
      frame(1, "x".repeat(300)),
      frame(2, "!"),
    ]);
    for (const size of [1, 2, 7, 8, 9, 50, whole.length]) {
      let out = Buffer.alloc(0);
      let err = Buffer.alloc(0);
      const reader = new FrameReader(
        (chunk) => (out = Buffer.concat([out, chunk])),
        (chunk) => (err = Buffer.concat([err, chunk])),
      );
      for (let at = 0; at < whole.length; at += size) reader.write(whole.subarray(at, at + size));
      expect(out.toString()).toBe(`one${"x".repeat(300)}`);
      expect(err.toString()).toBe("größe!");
    }
  });
});

describe("an engine", () => {
  test("is where DOCKER_HOST says", () => {
    expect(engineAddress({ DOCKER_HOST: "ssh://me@there" })).toBe("ssh://me@there");
    expect(engineAddress({ XDG_RUNTIME_DIR: "/nowhere" })).toBe("unix:///var/run/docker.sock");
  });
  test("tells what it cannot do", () => {
    const engine = (info: object) =>
      ({ info: { ID: "x", ...info } }) as Parameters<typeof engineProperties>[0];
    const rootless = engineProperties(
      engine({
        SecurityOptions: ["name=seccomp,profile=default", "name=rootless"],
        PidsLimit: false,
        MemoryLimit: false,
      }),
      defaultLimits,
    );
    expect(rootless).toMatchObject({ engine_user: "rootless", processes: "not limited by this engine" });
    expect(rootless.memory).toStartWith("not");
    const remapped = engineProperties(engine({ SecurityOptions: ["name=userns"] }), defaultLimits);
    expect(remapped).toMatchObject({
      engine_user: "root, with remapped users",
      seccomp: "no filter in this engine",
    });
  });
});
