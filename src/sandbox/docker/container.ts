// How the containers of a world are made. Every option of isolation is here and nowhere else.

import type { ContainerCreateOptions, MountSettings } from "dockerode";
import { OPERATOR_UID, type SandboxLimits, WORLD_ROOTS } from "../contract.ts";
import { ownRun } from "../run-identity.ts";

const LABEL = "sekft";

/** Labels of everything that this process makes. */
const ownLabels: Readonly<Record<string, string>> = {
  [`${LABEL}.run`]: ownRun.run,
  [`${LABEL}.pid`]: String(ownRun.pid),
  [`${LABEL}.boot`]: ownRun.boot,
  [`${LABEL}.host`]: ownRun.host,
};

// The engine binds its own hosts, hostname and resolv.conf below /etc and sorts mounts by the depth of their paths. Reached
// through a symbolic link of the image, the volume comes last and covers them: a world's /etc holds what the world has, no more.
const mountPoint = (root: string) => (root === "/etc" ? "/usr/share/root/etc" : root);

/** More files than any world needs, fewer than the kernel's memory notices. */
const INODES = 16_384;

/** Anonymous volumes go with their container, so that nothing stays when the engine removes it by itself. */
function newVolumes({ diskBytes }: SandboxLimits): MountSettings[] {
  return WORLD_ROOTS.map((root) => ({
    Type: "volume",
    Source: "",
    Target: mountPoint(root),
    VolumeOptions: {
      NoCopy: true,
      Labels: { ...ownLabels },
      DriverConfig: {
        Name: "local",
        Options: {
          type: "tmpfs",
          device: "tmpfs",
          o: `size=${diskBytes},nr_inodes=${INODES},mode=0755,uid=${OPERATOR_UID},gid=${OPERATOR_UID},nosuid,nodev`,
        },
      },
    },
  }));
}

function sameVolumes(names: ReadonlyMap<string, string>, readOnly: boolean): MountSettings[] {
  return [...names].map(([Target, Source]) => ({
    Type: "volume",
    Source,
    Target,
    ReadOnly: readOnly,
    VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: {} } },
  }));
}

function hardened(image: string, limits: SandboxLimits, mounts: MountSettings[]): ContainerCreateOptions {
  return {
    Image: image,
    // A name alone takes the variable away that the engine would set.
    Env: ["HOSTNAME"],
    Labels: { ...ownLabels },
    WorkingDir: "/",
    StopTimeout: 1,
    HostConfig: {
      AutoRemove: true,
      NetworkMode: "none",
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: true,
      PidsLimit: limits.processes,
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: Math.round(limits.cpus * 1e9),
      IpcMode: "private",
      ShmSize: 2 ** 20,
      Ulimits: [
        { Name: "nofile", Soft: 1024, Hard: 1024 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: "none", Config: {} },
      Mounts: mounts,
    },
  };
}

/** The world itself. It lives as long as somebody holds the standard input of its first program, which runs as root without any
 *  capability: neither `kill -9 -1` of the operator nor the death of this process can leave it alone. */
export function worldContainer(
  image: string,
  hostname: string,
  limits: SandboxLimits,
): ContainerCreateOptions {
  const base = hardened(image, limits, newVolumes(limits));
  return {
    ...base,
    User: "0:0",
    Hostname: hostname,
    Entrypoint: ["/bin/cat"],
    Cmd: [],
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    HostConfig: { ...base.HostConfig, Init: true },
  };
}

/** A container that is never started: through it one archive reaches all volumes of a running world. */
export function loadingContainer(image: string, names: ReadonlyMap<string, string>): ContainerCreateOptions {
  return {
    Image: image,
    Labels: { ...ownLabels },
    Entrypoint: ["/bin/true"],
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: "none",
      CapDrop: ["ALL"],
      LogConfig: { Type: "none", Config: {} },
      Mounts: sameVolumes(names, false),
    },
  };
}

/** Where a checker runs: the same volumes, which it cannot change, and root that may read every file, whatever its mode. */
export function checkerContainer(
  image: string,
  hostname: string,
  limits: SandboxLimits,
  names: ReadonlyMap<string, string>,
  program: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> },
): ContainerCreateOptions {
  const base = hardened(image, limits, sameVolumes(names, true));
  return {
    ...base,
    User: "0:0",
    Hostname: hostname,
    Env: ["HOSTNAME", ...Object.entries(program.env).map(([name, value]) => `${name}=${value}`)],
    Entrypoint: [program.argv[0]!],
    Cmd: program.argv.slice(1),
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: { ...base.HostConfig, CapAdd: ["DAC_READ_SEARCH", "DAC_OVERRIDE"] },
  };
}
