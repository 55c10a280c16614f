// The pieces of a session without any world: what is kept of an output, what is taken out of it, what a told state must look like.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { DataError } from "../../src/base/errors.ts";
import type { World } from "../../src/sandbox/contract.ts";
import { CappedOutput } from "../../src/sandbox/session/capped-output.ts";
import { checkerStatus } from "../../src/sandbox/session/checker.ts";
import { endMarker, OutputFilter } from "../../src/sandbox/session/output-filter.ts";
import { readDump } from "../../src/sandbox/session/state-dump.ts";
import { checkFits, layOut } from "../../src/sandbox/session/world-layout.ts";
import { packTar } from "../../src/sandbox/session/world-tar.ts";
import { HOME, plainWorld } from "./bubblewrap-machine.ts";

const nonce = "0123456789abcdef";

describe("capped output", () => {
  const keep = (text: string, limit: number, step = 7) => {
    const output = new CappedOutput(limit);
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.byteLength; at += step) output.write(bytes.subarray(at, at + step));
    return output.finish();
  };
  test("is whole up to its limit", () => {
    expect(keep("x".repeat(100), 100)).toMatchObject({ text: "x".repeat(100), bytes: 100, truncated: false });
  });
  test("keeps head and tail around a count, and the size and hash of all", () => {
    const text = `${"a".repeat(50_000)}${"b".repeat(50_000)}`;
    const kept = keep(text, 10, 1000);
    expect(kept.text).toBe("aaaaa\n[... 99990 bytes left out ...]\nbbbbb");
    expect([kept.bytes, kept.sha256]).toEqual([100_000, createHash("sha256").update(text).digest("hex")]);
  });
  test("cuts no character in two", () => {
    expect(keep("€".repeat(100), 10).text).toBe("€\n[... 294 bytes left out ...]\n€");
  });
});

describe("the output filter", () => {
  const filter = (chunks: string[]) => {
    let passed = "";
    const made = new OutputFilter(nonce, (bytes) => {
      passed += Buffer.from(bytes).toString();
    });
    for (const chunk of chunks) made.write(Buffer.from(chunk));
    made.flush();
    return { passed, ended: made.ended };
  };
  test("passes everything up to the end marker, however it is cut", () => {
    const text = `one\ntwo${endMarker(nonce)}late`;
    for (let cut = 1; cut < text.length; cut++)
      expect(filter([text.slice(0, cut), text.slice(cut)])).toEqual({ passed: "one\ntwo", ended: true });
  });
  test("takes out the lines of the harness and leaves the others", () => {
    const lines = [
      `exit='t${nonce}=exit exit'`,
      "ll='ls'",
      `trap -- '{ s${nonce}=$?; }' EXIT`,
      `+ t${nonce}=exit exit`,
    ];
    expect(filter([`${lines.join("\n")}\nend`])).toEqual({ passed: "ll='ls'\n+ exit\nend", ended: false });
  });
  test("holds back no more than a line", () => {
    const long = "z".repeat(500_000);
    expect(filter([long]).passed).toBe(long);
  });
});

describe("a told state", () => {
  const dump = [
    ...[`${nonce} options`, "set +o errexit", "set -o nounset", `${nonce} umask`, "0022", `${nonce} aliases`],
    ...[
      "ll='ls -l'",
      `exit='t${nonce}=exit exit'`,
      `${nonce} environment`,
      "export A='x'\"'\"'y\nz'",
      "export B",
    ],
    ...["export PWD='/'", `${nonce} directory`, "/a\nb", `${nonce} end 300 exit`, ""],
  ].join("\n");
  test("is read with its quotes, its newlines and its word", () => {
    const read = readDump(dump, nonce)!;
    expect(read.terminal).toBe("exit");
    expect(read.state).toEqual({
      directory: "/a\nb",
      environment: new Map([
        ["A", "x'y\nz"],
        ["B", null],
      ]),
      umask: "0022",
      options: ["nounset"],
      aliases: new Map([["ll", "ls -l"]]),
      status: 44,
    });
  });
  test("is refused when any part is missing, cut or not as the shell writes it", () => {
    for (let end = 0; end < dump.length; end++) expect(readDump(dump.slice(0, end), nonce)).toBeNull();
    expect(readDump(dump.replace("export B", "rm -rf B"), nonce)).toBeNull();
    expect(readDump(dump.replace("export B", "export B=$(x)"), nonce)).toBeNull();
    expect(readDump(dump.replace("0022", "rw"), nonce)).toBeNull();
    expect(readDump(dump.replaceAll(nonce, "f".repeat(16)), nonce)).toBeNull();
  });
});

test("a checker's word counts only alone and beside its nonce", () => {
  expect(checkerStatus(`${nonce} 0\n`, nonce)).toBe(0);
  expect(checkerStatus(`${nonce} 0\n${nonce} 1\n`, nonce)).toBeNull();
  expect(checkerStatus("ffff 0\n", nonce)).toBeNull();
  expect(checkerStatus("", nonce)).toBeNull();
});

describe("a world's layout", () => {
  const refused = (change: Partial<World>, field: string) => {
    const act = () => layOut({ ...plainWorld, ...change });
    expect(act).toThrow(DataError);
    expect(act).toThrow(`world plain: ${field}`);
  };
  test("refuses paths that leave the world, names that are none, files that are directories", () => {
    refused({ fixtures: [{ path: "/bin/ls", content: "" }] }, "fixtures[0].path: expected a path below");
    refused(
      { fixtures: [{ path: "/etc/../bin/ls", content: "" }] },
      "fixtures[0].path: expected an absolute path",
    );
    refused({ dirs: [{ path: "/srv/x", mode: "rwx" }] }, "dirs[0].mode: expected an octal mode");
    refused({ user: "root" }, "user: expected a user name");
    refused({ host: "a b" }, "host: expected a host name");
    refused({ env: { "A-B": "" } }, "env.A-B: expected letters");
    refused({ fixtures: [{ path: "/srv/real", content: "" }] }, "fixtures: ");
  });
  test("refuses more than a root can hold", () => {
    const world = { ...plainWorld, fixtures: [{ path: "/srv/big", content: "x".repeat(5000) }] };
    expect(() => checkFits(world, layOut(world), 8192)).not.toThrow();
    expect(() => checkFits(world, layOut(world), 8191)).toThrow(
      "expected at most 8191 bytes below /srv, got 8192",
    );
  });
  test("protects the files that a login line names, and no others", () => {
    const world: World = {
      ...plainWorld,
      fixtures: [
        { path: `${HOME}/READ.me`, content: "" },
        { path: `${HOME}/READ.me.old`, content: "" },
        { path: "/srv/a", content: "" },
      ],
      announcement: { kind: "file", login: "See ~/READ.me." },
    };
    expect(layOut(world).protectedPaths.toSorted()).toEqual(
      ["/etc/group", "/etc/passwd", `${HOME}/READ.me`, "/usr/local/bin/desk"].toSorted(),
    );
  });
  test("is an archive that tar reads", async () => {
    const long = `/srv/${"d".repeat(90)}/${"f".repeat(90)}`;
    const archive = packTar(
      layOut({ ...plainWorld, fixtures: [{ path: long, content: "12345", mode: "0640" }] }).entries,
    );
    const tar = Bun.spawn(["tar", "-tvf", "-", "--numeric-owner"], {
      stdin: archive,
      env: { TZ: "UTC", PATH: process.env.PATH },
    });
    const listed = await new Response(tar.stdout).text();
    expect(listed).toMatch(new RegExp(`^-rw-r----- 1000/1000 +5 2025-11-13 \\S+ ${long.slice(1)}$`, "m"));
    expect(listed).toMatch(/^-rwxr-xr-x 0\/0 +21 2025-11-13 \S+ usr\/local\/bin\/desk$/m);
    expect(listed).toMatch(/^d--------- 1000\/1000 +0 .* srv\/closed\/$/m);
  });
});
