// The machine's own programs that a world is made with, and what to install when one is missing.

import { accessSync, constants, readFileSync } from "node:fs";
import { UserError } from "../../base/errors.ts";

/** Absolute paths. */
export interface Programs {
  readonly bwrap: string;
  readonly nsenter: string;
  readonly setpriv: string;
  readonly busybox: string;
  readonly dash: string;
  readonly version: string;
}

const PACKAGES = {
  bwrap: "bubblewrap",
  nsenter: "util-linux",
  setpriv: "util-linux",
  busybox: "busybox-static",
  dash: "dash",
} as const;

const FOLDERS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Finds all programs and tries bubblewrap once.
 *  @throws UserError saying what to install or to switch on */
export function findPrograms(): Programs {
  if (process.platform !== "linux")
    throw new UserError(`sandbox bubblewrap: expected Linux, got ${process.platform}`, {
      hint: "use Docker: --sandbox docker",
    });
  const found = Object.fromEntries(
    (Object.keys(PACKAGES) as (keyof typeof PACKAGES)[]).map((name) => [name, findProgram(name)]),
  );
  const missing = Object.keys(found).filter((name) => found[name] === undefined);
  if (missing.length > 0) {
    const packages = [...new Set(missing.map((name) => PACKAGES[name as keyof typeof PACKAGES]))];
    throw new UserError(
      `sandbox bubblewrap: expected the programs ${missing.join(", ")}, got none in the path`,
      {
        hint: `apt-get install ${packages.join(" ")} (or the same packages of your system), or use Docker`,
      },
    );
  }
  const programs = found as Record<keyof typeof PACKAGES, string>;
  const version = Bun.spawnSync([programs.bwrap, "--version"])
    .stdout.toString()
    .trim()
    .replace("bubblewrap ", "");
  checkVersion(version);
  return { ...programs, version };
}

function findProgram(name: string): string | undefined {
  const folders = [
    ...(process.env.PATH ?? "").split(":").filter((folder) => folder.startsWith("/")),
    ...FOLDERS,
  ];
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `--size` came with 0.7. */
function checkVersion(version: string): void {
  const [major, minor] = version.split(".").map(Number);
  if (major === 0 && (minor ?? 0) < 7)
    throw new UserError(`sandbox bubblewrap: expected bubblewrap 0.7 or newer, got ${version}`, {
      hint: "install a newer bubblewrap, or use Docker",
    });
}

/** What to say when bubblewrap cannot make a user namespace; `said` is its own message. */
export function namespaceError(said: string): UserError {
  const restricted = readSetting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") === "1";
  const off =
    readSetting("/proc/sys/kernel/unprivileged_userns_clone") === "0" ||
    readSetting("/proc/sys/user/max_user_namespaces") === "0";
  const hint = restricted
    ? "allow it: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (as root), or use Docker"
    : off
      ? "allow it: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000 (as root), or use Docker"
      : "user namespaces must be allowed here (inside a container they often are not); or use Docker";
  return new UserError(
    `sandbox bubblewrap: expected a new user namespace, got: ${said.trim() || "no answer"}`,
    { hint },
  );
}

function readSetting(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined;
  }
}
