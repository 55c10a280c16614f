// The programs inside a world: dash as sh, BusyBox for everything else, taken from this machine once a process.

import { createHash } from "node:crypto";
import { readFileSync, realpathSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { withoutLoaderPaths } from "../session/loader-paths.ts";
import { packTar, type TarEntry } from "../session/world-tar.ts";
import type { Programs } from "./programs.ts";

/** Applets that would replace dash, change the user or have no place here. */
const LEFT_OUT = new Set(
  "sh ash bash dash su sudo login init reboot poweroff halt mount umount busybox linuxrc".split(" "),
);

/** A userland, packed. */
export interface Userland {
  /** Tar archive, to be unpacked below the place that becomes `/`. */
  readonly archive: Uint8Array;
  /** `sha256:` of the archive. */
  readonly hash: string;
  /** Directories of the archive's top, e.g. `/bin`. */
  readonly tops: readonly string[];
}

/** Packs the machine's dash, BusyBox and the libraries that they load.
 *  @throws UserError when BusyBox lists no applets */
export function packUserland(programs: Programs): Userland {
  const entries: TarEntry[] = [];
  const directories = new Set<string>();
  const add = (path: string, mode: number, content: Uint8Array) => {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      const directory = path.slice(0, at);
      if (directories.has(directory)) continue;
      directories.add(directory);
      entries.push({
        path: directory,
        kind: "directory",
        mode: 0o755,
        owner: "root",
        content: new Uint8Array(),
      });
    }
    entries.push({ path, kind: "file", mode, owner: "root", content });
  };
  const dash = withoutLoaderPaths(readFileSync(programs.dash));
  add("/bin/busybox", 0o755, withoutLoaderPaths(readFileSync(programs.busybox)));
  add("/bin/dash", 0o755, dash);
  // The world's first process may be run but not read, so that the kernel keeps its memory and files from the operator.
  add("/sbin/init", 0o111, dash);
  for (const library of librariesOf([programs.dash, programs.busybox]))
    add(library, 0o755, withoutLoaderPaths(readFileSync(realpathSync(library))));
  const link = (name: string, target: string) =>
    entries.push({
      path: `/bin/${name}`,
      kind: "link",
      mode: 0o777,
      owner: "root",
      content: Buffer.from(target),
    });
  link("sh", "dash");
  for (const applet of applets(programs.busybox)) link(applet, "busybox");
  const archive = packTar(entries);
  const tops = [...new Set([...directories].map((path) => `/${path.split("/")[1]}`))];
  return { archive, hash: `sha256:${createHash("sha256").update(archive).digest("hex")}`, tops };
}

function applets(busybox: string): string[] {
  const listed = Bun.spawnSync([busybox, "--list"]).stdout.toString().split("\n").filter(Boolean);
  if (listed.length < 100)
    throw new UserError(
      `sandbox bubblewrap: expected a BusyBox with its usual applets, got ${listed.length}`,
      {
        hint: "apt-get install busybox-static",
      },
    );
  return listed.filter((name) => !LEFT_OUT.has(name) && !name.includes("/"));
}

/** Libraries as the machine's own loader names them; none for static programs. */
function librariesOf(binaries: readonly string[]): string[] {
  const libraries = new Set<string>();
  for (const binary of binaries) {
    if (!isDynamic(binary)) continue;
    const listed = Bun.spawnSync([binary], { env: { LD_TRACE_LOADED_OBJECTS: "1" } }).stdout.toString();
    for (const line of listed.split("\n")) {
      const path = /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1];
      if (path) libraries.add(path);
    }
  }
  return [...libraries];
}

/** An ELF64 file with a PT_INTERP segment asks for a loader (System V ABI, chapter 5). */
function isDynamic(path: string): boolean {
  const file = readFileSync(path);
  if (file.readUInt32BE(0) !== 0x7f454c46) return false;
  const [offset, size, count] = [
    Number(file.readBigUInt64LE(32)),
    file.readUInt16LE(54),
    file.readUInt16LE(56),
  ];
  for (let i = 0; i < count; i++) if (file.readUInt32LE(offset + i * size) === 3) return true;
  return false;
}
