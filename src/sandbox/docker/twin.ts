// The offline twin of docker/Dockerfile: the same userland from this machine's busybox and dash, as an archive that
// `POST /images/load` takes. The same two programs give the same bytes, hence the same image id.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { absent } from "../../../docker/index.ts";
import { UserError } from "../../base/errors.ts";
import { FIXTURE_MTIME } from "../contract.ts";
import { withoutLoaderPaths } from "../session/loader-paths.ts";
import { type TarEntry, writeTar } from "./tar.ts";

const HINT =
  "install busybox-static and dash (Debian: apt-get install busybox-static dash), or build online without --offline";

/** The archive, and the image id of an engine that keeps images by the hash of their configuration. */
export function makeTwin(tag: string): { readonly archive: Buffer; readonly id: string } {
  const layer = writeTar(userland());
  const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const configuration = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      created: new Date(FIXTURE_MTIME * 1000).toISOString(),
      config: { Labels: { "sekft.userland": "debian" } },
      rootfs: { type: "layers", diff_ids: [`sha256:${hash(layer)}`] },
      history: [
        {
          created: new Date(FIXTURE_MTIME * 1000).toISOString(),
          created_by: "sekft sandbox build --offline",
        },
      ],
    }),
  );
  const id = hash(configuration);
  const manifest = [{ Config: `${id}.json`, RepoTags: [tag], Layers: [`${hash(layer)}/layer.tar`] }];
  const archive = writeTar([
    file(`${id}.json`, configuration, 0o644),
    directory(hash(layer)),
    file(`${hash(layer)}/layer.tar`, layer, 0o644),
    file("manifest.json", Buffer.from(JSON.stringify(manifest)), 0o644),
  ]);
  return { archive, id: `sha256:${id}` };
}

function userland(): TarEntry[] {
  const busybox = program("busybox");
  const dash = program("dash");
  const { stdout, success } = Bun.spawnSync([busybox, "--list"], { stderr: "ignore" });
  if (!success)
    throw new UserError("sandbox build: expected busybox to list its applets, got an error", { hint: HINT });
  const libraries = [...new Set([...librariesOf(busybox), ...librariesOf(dash)])];
  const folders = [
    "bin",
    "dev",
    "etc",
    "home",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "usr",
    "usr/local",
    "usr/share",
    "var",
  ];
  const parents = libraries.flatMap((path) =>
    path
      .split("/")
      .slice(1, -1)
      .map((_, i, all) => all.slice(0, i + 1).join("/")),
  );
  return [
    ...[...new Set([...folders, ...parents])].sort().map(directory),
    file("bin/busybox", withoutLoaderPaths(readFileSync(busybox)), 0o755),
    file("bin/dash", withoutLoaderPaths(readFileSync(dash)), 0o755),
    ...libraries.sort().map((path) => file(path.slice(1), withoutLoaderPaths(readFileSync(path)), 0o755)),
    ...stdout
      .toString()
      .split("\n")
      .filter((name) => name !== "" && !absent.has(name))
      .sort()
      .map((name) => symlink(`bin/${name}`, "busybox")),
    symlink("bin/sh", "dash"),
    // Where the volume of /etc is mounted; container.ts says why.
    symlink("usr/share/root", "/"),
  ];
}

function program(name: string): string {
  const path = Bun.which(name, { PATH: `/bin:/usr/bin:${process.env.PATH ?? ""}` });
  if (path === null)
    throw new UserError(`sandbox build: expected ${name} on this machine, got none`, { hint: HINT });
  return realpathSync(path);
}

/** What the loader needs, by the paths at which it looks for them; none for a static program. */
function librariesOf(path: string): string[] {
  const { stdout } = Bun.spawnSync(["ldd", path], { stderr: "ignore", env: { ...process.env, LC_ALL: "C" } });
  return [...stdout.toString().matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)]
    .map(([, library]) => library!)
    .filter((library) => existsSync(library));
}

function file(path: string, content: Uint8Array, mode: number): TarEntry {
  return { path, type: "file", mode, uid: 0, gid: 0, mtime: FIXTURE_MTIME, content };
}

function directory(path: string): TarEntry {
  return { path, type: "directory", mode: 0o755, uid: 0, gid: 0, mtime: FIXTURE_MTIME };
}

function symlink(path: string, target: string): TarEntry {
  return { path, type: "symlink", mode: 0o777, uid: 0, gid: 0, mtime: FIXTURE_MTIME, target };
}
