import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { type PullOptions, pullRepo } from "../../src/hub/pull-repo.ts";
import type { RepoRef } from "../../src/hub/repo-name.ts";
import { hubSettings } from "../../src/hub/settings.ts";
import { commit, cutAfter, gitHash, type HubFile, type HubServer, sha256, startHub } from "./hub-server.ts";
import { listener } from "./listener.ts";

const folder = mkdtempSync(join(tmpdir(), "sekft-hub-"));
afterAll(() => rmSync(folder, { recursive: true }));
let homes = 0;
const newHome = () => join(folder, `home-${homes++}`);

const bytes = (length: number, seed: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed + (i >> 8)) & 255));
const weights: HubFile = { path: "model.safetensors", content: bytes(3_000_000, 1), lfs: true };
const small: HubFile[] = [
  { path: "config.json", content: Buffer.from('{"model_type":"llama"}') },
  { path: "tokenizer.json", content: bytes(70_000, 2) },
  { path: "README.md", content: Buffer.from("# é\n") },
  { path: "empty.txt", content: Buffer.alloc(0) },
];
const other: HubFile[] = [
  { path: "pytorch_model.bin", content: bytes(1000, 3), lfs: true },
  { path: "onnx/model.onnx", content: bytes(1000, 4), lfs: true },
];

interface Try extends Partial<PullOptions> {
  readonly home?: string;
  readonly ref?: Partial<RepoRef>;
  readonly token?: string;
  readonly offline?: boolean;
  readonly timeoutMs?: number;
  readonly terminal?: Terminal;
}

async function pull(hub: Pick<HubServer, "endpoint">, options: Try = {}) {
  const {
    home = newHome(),
    ref,
    token,
    offline = false,
    timeoutMs = 2000,
    terminal = listener(),
    ...rest
  } = options;
  const settings = {
    ...hubSettings({ HF_HOME: home, HF_ENDPOINT: hub.endpoint, ...(token && { HF_TOKEN: token }) }),
    offline,
    timeoutMs,
    backoffMs: 5,
  };
  const done = await pullRepo(
    { type: "model", name: "org/name", revision: "main", ...ref },
    { include: [], jobs: 4, update: false, ...rest },
    settings,
    terminal,
  );
  return { ...done, home, repo: join(home, "hub", `${ref?.type ?? "model"}s--org--name`) };
}

function expectContents(path: string, files: readonly HubFile[]): void {
  for (const { path: name, content } of files)
    expect({ name, same: readFileSync(join(path, name)).equals(content) }).toEqual({ name, same: true });
}

describe("a pulled repository", () => {
  test("lies in the cache as the Python tools keep it", async () => {
    await using hub = await startHub({ files: [weights, ...small, ...other] });
    const { path, repo, ...done } = await pull(hub);
    expect(done).toMatchObject({ commit, files: 5 });
    expect(path).toBe(join(repo, "snapshots", commit));
    expectContents(path, [weights, ...small]);
    expect(readFileSync(join(repo, "refs/main"), "utf8")).toBe(commit);
    expect(lstatSync(join(path, "config.json")).isSymbolicLink()).toBe(true);
    expect(readlinkSync(join(path, "config.json"))).toBe(`../../blobs/${gitHash(small[0]!.content)}`);
    expect(readlinkSync(join(path, weights.path))).toBe(`../../blobs/${sha256(weights.content)}`);
    expect(readdirSync(join(repo, "blobs"))).toHaveLength(5);
  });

  test("is not downloaded twice", async () => {
    await using hub = await startHub({ files: [weights, ...small] });
    const { home } = await pull(hub);
    const before = hub.sent();
    const again = await pull(hub, { home });
    expect(again.downloaded).toBe(0);
    expect(hub.sent()).toBe(before);
  });

  test("of a data set has all of its files, in folders too", async () => {
    const files = [...other, { path: "data/train file.jsonl", content: bytes(500, 9) }];
    await using hub = await startHub({ type: "dataset", files });
    const { path } = await pull(hub, { ref: { type: "dataset" } });
    expectContents(path, files);
    expect(path).toContain("datasets--org--name");
  });

  test("has only the files that were asked for", async () => {
    await using hub = await startHub({ files: [weights, ...small, ...other] });
    const { path } = await pull(hub, { include: ["*.onnx", "config.json"] });
    expect(readdirSync(path).sort()).toEqual(["config.json", "onnx"]);
    expectContents(path, [other[1]!]);
    expect(pull(hub, { include: ["*.gguf"] })).rejects.toThrow(/expected files of the repository, got none/);
  });

  test("with several GGUF files wants one named", async () => {
    const files = ["a.Q4_K_M.gguf", "a.Q8_0.gguf"].map((path, i) => ({
      path,
      content: bytes(10, i),
      lfs: true,
    }));
    await using hub = await startHub({ files });
    expect(pull(hub)).rejects.toThrow(/expected one GGUF file, got 2/);
    const { path } = await pull(hub, { include: ["*Q8_0.gguf"] });
    expect(readdirSync(path)).toEqual(["a.Q8_0.gguf"]);
  });

  test("is fetched with the token, which no other host sees", async () => {
    await using cdn = await startHub({ files: [weights, ...small] });
    await using hub = await startHub({
      files: [weights, ...small],
      token: "hf_secret",
      redirect: (path) => `${cdn.endpoint}/org/name/resolve/${commit}/${path}?signature=1`,
    });
    const { path } = await pull(hub, { token: "hf_secret" });
    expectContents(path, [weights, ...small]);
    expect(hub.log.every(({ authorization }) => authorization === "Bearer hf_secret")).toBe(true);
    expect(cdn.log.length).toBeGreaterThanOrEqual(4);
    expect(cdn.log.some(({ authorization }) => authorization !== undefined)).toBe(false);
  });
});

describe("a pull goes on", () => {
  test("within one run, from the byte where the connection was cut", async () => {
    const cut = cutAfter(1_000_000);
    await using hub = await startHub({
      files: [weights, ...small],
      misbehave: (file, request, response, times) =>
        file === weights && times <= 2 ? cut(file, request, response) : false,
    });
    const terminal = listener();
    const { path } = await pull(hub, { terminal });
    expectContents(path, [weights, ...small]);
    const ranges = hub.log
      .filter(({ path: asked }) => asked.endsWith(weights.path))
      .map(({ range }) => range);
    expect(ranges[0]).toBeUndefined();
    expect(ranges).toHaveLength(3);
    for (const range of ranges.slice(1)) expect(Number(/^bytes=(\d+)-$/.exec(range!)![1])).toBeGreaterThan(0);
    expect(terminal.lines.join("\n")).toMatch(/model.safetensors: .*trying again/);
  });

  test("in the next run, after it was given up", async () => {
    const home = newHome();
    const cut = cutAfter(2_000_000);
    {
      let cuts = 0;
      await using hub = await startHub({
        files: [weights],
        misbehave(file, request, response) {
          if (cuts++ === 0) return cut(file, request, response);
          response.destroy();
          return true;
        },
      });
      await expect(pull(hub, { home })).rejects.toThrow(
        /model.safetensors: expected 3000000 bytes|expected an answer/,
      );
    }
    const partial = join(home, "hub/models--org--name/blobs", `${sha256(weights.content)}.incomplete`);
    const kept = readFileSync(partial);
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.equals(weights.content.subarray(0, kept.length))).toBe(true);
    await using hub = await startHub({ files: [weights] });
    const { path } = await pull(hub, { home });
    expectContents(path, [weights]);
    expect(hub.sent()).toBe(weights.content.length - kept.length);
    expect(existsSync(partial)).toBe(false);
  });

  test("from the start where the server has no ranges, or what is there is wrong", async () => {
    const home = newHome();
    const partial = join(home, "hub/models--org--name/blobs", `${sha256(weights.content)}.incomplete`);
    mkdirSync(join(partial, ".."), { recursive: true });
    writeFileSync(partial, Buffer.alloc(1000, 7));
    await using hub = await startHub({ files: [weights] });
    const { path } = await pull(hub, { home });
    expectContents(path, [weights]);
    const second = newHome();
    const again = join(second, "hub/models--org--name/blobs", `${sha256(weights.content)}.incomplete`);
    mkdirSync(join(again, ".."), { recursive: true });
    writeFileSync(again, weights.content.subarray(0, 1000));
    await using plain = await startHub({
      files: [weights],
      misbehave: ({ content }, _, response) => {
        response.writeHead(200, { "Content-Length": content.length });
        response.end(content);
        return true;
      },
    });
    expectContents((await pull(plain, { home: second })).path, [weights]);
  });

  test("through 429 with Retry-After, 503, and a silent server", async () => {
    await using hub = await startHub({
      files: [weights, ...small],
      infoStatus: [{ status: 429, retryAfter: "0.3" }, { status: 503 }, { status: 429, retryAfter: "0" }],
      misbehave: async (file, _, response, times) => {
        if (file === weights && times === 1) {
          response.writeHead(429, { "Retry-After": "0" });
          response.end();
          return true;
        }
        if (file !== small[1] || times > 1) return false;
        // Says how much will come, sends a little, and then nothing.
        response.writeHead(200, { "Content-Length": file.content.length });
        response.write(file.content.subarray(0, 10));
        return true;
      },
    });
    const terminal = listener();
    const begun = performance.now();
    const { path } = await pull(hub, { timeoutMs: 400, terminal });
    expect(performance.now() - begun).toBeGreaterThan(300);
    expectContents(path, [weights, ...small]);
    const said = terminal.lines.join("\n");
    expect(said).toContain("status 429 (too many requests); trying again in 300 ms");
    expect(said).toContain("status 503");
    expect(said).toContain("silence for 400 ms");
  });
});

describe("a pull is refused", () => {
  const failing = async (options: Parameters<typeof startHub>[0], attempt: Try = {}) => {
    await using hub = await startHub(options);
    const home = newHome();
    const message = await pull(hub, { home, ...attempt }).then(
      () => "no error",
      (error: Error & { hint?: string }) => `${error.name}: ${error.message}; ${error.hint}`,
    );
    const repo = join(home, "hub/models--org--name");
    // Nothing that failed may look like something that is there.
    expect(existsSync(join(repo, "snapshots"))).toBe(false);
    expect(existsSync(join(repo, "refs"))).toBe(false);
    return message;
  };
  const files = [weights, ...small];

  test("for a repository that is not there, private or gated", async () => {
    expect(await failing({ files }, { ref: { name: "org/other" } })).toMatch(
      /^UserError: org\/other \(main\): .*404.*--revision/s,
    );
    expect(await failing({ files }, { ref: { revision: "v9" } })).toMatch(/org\/name \(v9\).*404/);
    expect(await failing({ files, token: "hf_a" })).toMatch(/401 \(no token was given\).*HF_TOKEN/);
    expect(await failing({ files, token: "hf_a" }, { token: "hf_b" })).toMatch(
      /401 \(the token was not accepted/,
    );
    expect(await failing({ files, infoStatus: [{ status: 403 }] })).toMatch(/403.*accept its conditions/);
    const gone = (file: HubFile, _: unknown, response: import("node:http").ServerResponse) => {
      if (file !== weights) return false;
      response.writeHead(404);
      response.end();
      return true;
    };
    expect(await failing({ files, misbehave: gone })).toMatch(/model.safetensors: .*404/);
  });

  test("for content of another size or hash than was listed", async () => {
    const longer = Buffer.concat([weights.content, Buffer.from("x")]);
    const send =
      (content: Buffer, length: number | undefined) =>
      (file: HubFile, _: unknown, response: import("node:http").ServerResponse) => {
        if (file !== weights) return false;
        response.writeHead(200, length === undefined ? {} : { "Content-Length": length });
        response.end(content);
        return true;
      };
    expect(await failing({ files, misbehave: send(longer, longer.length) })).toMatch(
      /expected 3000000 bytes as listed, got an answer of 3000001/,
    );
    expect(await failing({ files, misbehave: send(longer, undefined) })).toMatch(/as listed, got more/);
    const short = weights.content.subarray(0, 2_999_999);
    expect(await failing({ files, misbehave: send(short, short.length) })).toMatch(
      /got an answer of 2999999/,
    );
    const changed = Buffer.from(weights.content);
    changed[1_234_567]! ^= 1;
    expect(await failing({ files, misbehave: send(changed, changed.length) })).toMatch(
      /model.safetensors: expected content with sha256 .* got another, twice/,
    );
  });

  test("for a small file whose git hash is wrong", async () => {
    const tree = [{ type: "file", path: "config.json", size: 22, oid: "1".repeat(40) }];
    expect(await failing({ files, tree })).toMatch(/config.json: expected content with git-sha1 1111/);
  });

  test("for a listing that leads out of its folder, or is none", async () => {
    for (const path of ["../../evil", "/etc/passwd", "a/../../b", "a\\b", "", "c:evil"]) {
      const tree = [{ type: "file", path, size: 1, oid: "1".repeat(40) }];
      expect(await failing({ files, tree })).toMatch(/^DataError: .*inside the repository/);
    }
    expect(await failing({ files, tree: "hello" })).toMatch(/DataError/);
    expect(await failing({ files, tree: [{ type: "file", path: "a", size: 1, oid: "../x" }] })).toMatch(
      /git-sha1 hash/,
    );
  });

  test("for a server that stays busy, is gone, or asks for too much patience", async () => {
    const busy = Array.from({ length: 9 }, () => ({ status: 503 }));
    expect(await failing({ files, infoStatus: busy })).toMatch(/status 503 \(5 times\).*try again later/);
    expect(await failing({ files, infoStatus: [{ status: 429, retryAfter: "86400" }] })).toMatch(
      /429 .*asks for 1d 00h of patience/,
    );
    await expect(pull({ endpoint: "http://127.0.0.1:1" })).rejects.toThrow(/no server there|connection/);
  });

  test("for names that are none, and while another process pulls the same", async () => {
    for (const name of ["", "a/b/c", "../x", "org/na me", "org/..", "-x/y"])
      expect(await failing({ files }, { ref: { name } })).toMatch(/expected the name of a repository/);
    const home = newHome();
    const guard = join(home, "hub/.locks/models--org--name/sekft.pid");
    mkdirSync(join(guard, ".."), { recursive: true });
    writeFileSync(guard, "1");
    await using hub = await startHub({ files });
    await expect(pull(hub, { home })).rejects.toThrow(/process 1 which downloads the same/);
    // Nobody has this id: the guard of a process that died.
    writeFileSync(guard, "4194305");
    await pull(hub, { home });
    expect(existsSync(guard)).toBe(false);
  });
});

describe("the lock file", () => {
  const files = [weights, ...small];

  test("pins the commit and the hashes, and later pulls keep to it", async () => {
    const lockFile = join(newHome(), "sekft.lock");
    await using hub = await startHub({ files });
    await pull(hub, { lockFile });
    const written = JSON.parse(readFileSync(lockFile, "utf8"));
    expect(written.repositories["model:org/name@main"]).toEqual({
      commit,
      files: {
        "README.md": `git-sha1:${gitHash(small[2]!.content)}`,
        "config.json": `git-sha1:${gitHash(small[0]!.content)}`,
        "empty.txt": `git-sha1:${gitHash(small[3]!.content)}`,
        "model.safetensors": `sha256:${sha256(weights.content)}`,
        "tokenizer.json": `git-sha1:${gitHash(small[1]!.content)}`,
      },
    });
    const asked = hub.log.length;
    await pull(hub, { lockFile });
    // The commit is known: nobody asks what main means.
    expect(hub.log.slice(asked).some(({ path }) => path.includes("/revision/"))).toBe(false);
    await pull(hub, { lockFile, update: true });
    expect(hub.log.slice(asked).some(({ path }) => path.includes("/revision/main"))).toBe(true);
  });

  test("refuses another content under the same commit", async () => {
    const lockFile = join(newHome(), "sekft.lock");
    await using hub = await startHub({ files });
    await pull(hub, { lockFile });
    await using forged = await startHub({ files: [{ ...weights, content: bytes(3_000_000, 8) }, ...small] });
    await expect(pull(forged, { lockFile })).rejects.toThrow(/expected model.safetensors with sha256/);
  });

  test("that is damaged is named", async () => {
    const lockFile = join(folder, "bad.lock");
    writeFileSync(lockFile, '{"format": 1, "repositories": {"model:org/name@main": {"commit": "main"}}}');
    await using hub = await startHub({ files });
    await expect(pull(hub, { lockFile })).rejects.toThrow(/bad.lock: repositories.model:org\/name@main/);
  });
});

describe("offline", () => {
  test("gives what is in the cache and asks nobody", async () => {
    const files = [weights, ...small];
    const lockFile = join(newHome(), "sekft.lock");
    await using hub = await startHub({ files });
    const { home, path } = await pull(hub, { lockFile });
    const asked = hub.log.length;
    for (const lock of [lockFile, undefined])
      expect((await pull(hub, { home, lockFile: lock, offline: true })).path).toBe(path);
    rmSync(join(path, "config.json"));
    await expect(pull(hub, { home, lockFile, offline: true })).rejects.toThrow(/got a part of it/);
    await expect(pull(hub, { offline: true })).rejects.toThrow(/in the cache .*got nothing/);
    expect(hub.log.length).toBe(asked);
  });
});
