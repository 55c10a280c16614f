// A world as a list of entries to put in place, checked before anything is made.

import { DataError, show } from "../../base/errors.ts";
import { OPERATOR_UID, WORLD_ROOTS, type World } from "../contract.ts";
import { isVariableName } from "./state-dump.ts";

/** One file or directory. */
export interface WorldEntry {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly mode: number;
  /** `shared`: root's, of the operator's group. */
  readonly owner: "root" | "operator" | "shared";
  /** Empty for a directory. */
  readonly content: Uint8Array;
  /** The operator must not be able to change, remove or replace it: the provider program, the announcement, passwd and group. */
  readonly protected: boolean;
}

/** What stands in the world, in the order in which to put it there. */
export interface WorldLayout {
  /** Directories with mode 0755, parents first, then files, then the directories again with their own modes, deepest first. */
  readonly entries: readonly WorldEntry[];
  /** Paths of the entries that are protected. */
  readonly protectedPaths: readonly string[];
  /** The operator's home directory. */
  readonly home: string;
}

/** Lays a world out.
 *  @throws DataError naming the field that cannot be */
export function layOut(world: World): WorldLayout {
  const complain = (field: string, complaint: string): never => {
    throw new DataError({ file: `world ${world.id}`, field }, complaint);
  };
  checkNames(world, complain);
  const home = `/home/${world.user}`;
  const directories = new Map<string, number>();
  const files = new Map<string, WorldEntry>();
  const addParents = (path: string) => {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1))
      if (isInside(path.slice(0, at)) && !directories.has(path.slice(0, at)))
        directories.set(path.slice(0, at), 0o755);
  };
  const addFile = (path: string, content: string, mode: number, protect: boolean) => {
    addParents(path);
    const owner = protect ? "root" : "operator";
    files.set(path, { path, kind: "file", mode, owner, content: Buffer.from(content), protected: protect });
  };
  const told = announcedFiles(world, home);

  for (const root of WORLD_ROOTS) directories.set(root, 0o755);
  // A container runtime opens passwd and group before it starts anything: a FIFO in their place would keep it waiting for ever. The
  // operator may make files in /etc, and change and remove its own.
  directories.set("/etc", 0o1775);
  directories.set(home, 0o755);
  const modes = new Map<string, number>();
  for (const [i, dir] of world.dirs.entries()) {
    const path = checkedPath(dir.path, `dirs[${i}].path`, complain);
    addParents(path);
    if (!directories.has(path)) directories.set(path, 0o755);
    if (dir.mode !== undefined) modes.set(path, checkedMode(dir.mode, `dirs[${i}].mode`, complain));
  }
  addFile(
    "/etc/passwd",
    `root:x:0:0:root:/root:/bin/sh\n${world.user}:x:${OPERATOR_UID}:${OPERATOR_UID}::${home}:/bin/dash\n`,
    0o644,
    true,
  );
  addFile("/etc/group", `root:x:0:\n${world.user}:x:${OPERATOR_UID}:\n`, 0o644, true);
  for (const [i, fixture] of world.fixtures.entries()) {
    const path = checkedPath(fixture.path, `fixtures[${i}].path`, complain);
    const mode = checkedMode(fixture.mode ?? "0644", `fixtures[${i}].mode`, complain);
    addFile(path, fixture.content, mode, told.has(path) || files.get(path)?.protected === true);
  }
  const provider = checkedPath(world.provider.path, "provider.path", complain);
  addFile(provider, world.provider.script, 0o755, true);
  for (const path of files.keys())
    if (directories.has(path)) complain("fixtures", `${show(path)} is a file and a directory`);

  const paths = [...directories.keys()].sort();
  const entry = (path: string, mode: number): WorldEntry => ({
    path,
    kind: "directory",
    mode,
    owner: path === "/etc" ? "shared" : "operator",
    content: new Uint8Array(),
    protected: false,
  });
  const deepestFirst = paths.toReversed().sort((a, b) => b.split("/").length - a.split("/").length);
  return {
    entries: [
      ...paths.map((path) => entry(path, 0o755)),
      ...files.values(),
      ...deepestFirst.map((path) => entry(path, modes.get(path) ?? directories.get(path)!)),
    ],
    protectedPaths: [...files.values()].filter((file) => file.protected).map((file) => file.path),
    home,
  };
}

type Complain = (field: string, complaint: string) => never;

function checkNames(world: World, complain: Complain): void {
  if (!/^[a-z_][a-z0-9_-]{0,31}$/.test(world.user) || world.user === "root")
    complain("user", `expected a user name such as alice, got ${show(world.user)}`);
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62})$/.test(world.host))
    complain("host", `expected a host name such as sek, got ${show(world.host)}`);
  for (const [name, value] of Object.entries(world.env)) {
    if (!isVariableName(name))
      complain(`env.${name}`, "expected letters, digits and underscores in the name");
    if (value.includes("\0")) complain(`env.${name}`, "expected a value without a zero byte");
  }
}

function isInside(path: string): boolean {
  return WORLD_ROOTS.some((root) => path === root || path.startsWith(`${root}/`));
}

function checkedPath(path: string, field: string, complain: Complain): string {
  const steps = path.split("/").slice(1);
  if (
    !path.startsWith("/") ||
    path.includes("\0") ||
    steps.some((step) => step === "" || step === "." || step === "..")
  )
    complain(field, `expected an absolute path without empty steps, . or .., got ${show(path)}`);
  if (steps.some((step) => Buffer.byteLength(step) > 255) || Buffer.byteLength(path) > 3000)
    complain(field, `expected names of at most 255 bytes, got ${show(path)}`);
  if (!isInside(path)) complain(field, `expected a path below ${WORLD_ROOTS.join(" ")}, got ${show(path)}`);
  return path;
}

function checkedMode(mode: string, field: string, complain: Complain): number {
  if (!/^[0-7]{3,4}$/.test(mode)) complain(field, `expected an octal mode such as 0644, got ${show(mode)}`);
  return Number.parseInt(mode, 8);
}

/** Fixtures that carry the announcement: the motd or banner itself, and every file that the login line names. */
function announcedFiles(world: World, home: string): Set<string> {
  const own: Readonly<Record<string, readonly string[]>> = {
    motd: ["/etc/motd"],
    banner: ["/etc/issue", "/etc/issue.net", "/etc/banner"],
  };
  const told = new Set(own[world.announcement.kind] ?? []);
  if (world.announcement.kind !== "file") return told;
  for (const { path } of world.fixtures) {
    const names = path.startsWith(`${home}/`) ? [path, `~${path.slice(home.length)}`] : [path];
    if (names.some((name) => isNamed(world.announcement.login, name))) told.add(path);
  }
  return told;
}

/** `name` stands in `text` and is not the start of a longer path. */
function isNamed(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const after = text.slice(at + name.length);
    if (!/^(\.?[A-Za-z0-9_\-/])/.test(after)) return true;
  }
  return false;
}

/** Refuses a world that cannot fit into roots of `diskBytes` each.
 *  @throws DataError naming the root */
export function checkFits(world: World, layout: WorldLayout, diskBytes: number): void {
  for (const root of WORLD_ROOTS) {
    const pages = layout.entries
      .filter((entry) => entry.path.startsWith(`${root}/`))
      .reduce((sum, entry) => sum + Math.ceil(entry.content.byteLength / 4096), 0);
    if (pages * 4096 > diskBytes)
      throw new DataError(
        { file: `world ${world.id}`, field: "fixtures" },
        `expected at most ${diskBytes} bytes below ${root}, got ${pages * 4096}`,
      );
  }
}
