// The command lines of a world. Three layers: a holder, which owns the size-limited file systems and which no operator can see;
// in it the operator's world with its own first process, which commands join; and, when that is dead, the checker's world.

import { OPERATOR_UID, type SandboxLimits, WORLD_ROOTS } from "../contract.ts";
import type { ControlGroup } from "./control-group.ts";
import type { Programs } from "./programs.ts";

/** Where the holder keeps the world's files; every machine has this directory, and the holder's own covers it. */
const STAGE = "/tmp";

/** What the three layers have in common. */
export interface BubblePlan {
  readonly programs: Programs;
  readonly limits: SandboxLimits;
  readonly host: string;
  /** Directories of the userland. */
  readonly tops: readonly string[];
  readonly protectedPaths: readonly string[];
  /** User outside the world; `undefined`: the one who runs this program. */
  readonly hostUid: number | undefined;
  /** Control groups that every process of the world joins; `undefined`: none can be made here. */
  readonly group: ControlGroup | undefined;
}

const JOIN_GROUPS =
  'while [ "$1" != -- ]; do echo 0 2>/dev/null >"$1/cgroup.procs"; shift; done; shift; exec "$@"';

/** Joins the control groups, then becomes the outer user, for good: nothing that follows can gain rights, and the kernel's limits on a user's processes hold. */
function asHostUser(plan: BubblePlan): string[] {
  const user =
    plan.hostUid === undefined
      ? []
      : [`--reuid=${plan.hostUid}`, `--regid=${plan.hostUid}`, "--clear-groups"];
  const paths = plan.group?.paths;
  const join = paths ? [plan.programs.dash, "-c", JOIN_GROUPS, "sh", ...paths, "--"] : [];
  return [...join, plan.programs.setpriv, ...user, "--no-new-privs"];
}

/** Unpacks the archive of its stdin, forbids further user namespaces, starts the world, then waits for the end of descriptor 3. */
const HOLDER_SCRIPT = `
b=$1; shift
"$b" tar -xpof - -C ${STAGE} || exit 1
echo 1 2>/dev/null >/proc/sys/user/max_user_namespaces
echo "holder $$"
"$@" <&3 3<&- 4>&1 &
wait $!
read _ <&3
`;

/** Starts a holder and, in it, the world. Descriptor 3 is what the world's first process reads. */
export function holderCommand(plan: BubblePlan): string[] {
  const { programs, limits } = plan;
  const roots = WORLD_ROOTS.flatMap((root) => [
    ...["--perms", "0755", "--size", String(limits.diskBytes), "--tmpfs", STAGE + root],
  ]);
  return [
    ...asHostUser(plan),
    ...[programs.bwrap, "--unshare-user", "--unshare-ipc", "--die-with-parent"],
    ...["--uid", "0", "--gid", "0", "--cap-add", "ALL", "--dev-bind", "/", "/", "--tmpfs", STAGE],
    ...["--perms", "0755", "--dir", `${STAGE}/usr`, ...roots],
    ...["--", programs.dash, "-c", HOLDER_SCRIPT, "sh", programs.busybox, ...worldCommand(plan)],
  ];
}

/** What the world's first process is told: it says that the world stands, then waits for the end of its input. In between it has
 *  to clear away what dies in the world; dash never ignores SIGCHLD, but `jobs` collects every dead child. */
export const FIRST_PROCESS = [
  "echo ready; exec >/dev/null 2>&1; trap '' HUP INT TERM; trap 'c=1; jobs' CHLD",
  'while c=; read -r _ || [ "$c" ]; do :; done; exit\n',
].join("; ");

/** The operator's world; its first process can be neither read nor killed from inside. */
function worldCommand(plan: BubblePlan): string[] {
  return [
    ...[
      plan.programs.bwrap,
      ...isolation(plan),
      "--uid",
      String(OPERATOR_UID),
      "--gid",
      String(OPERATOR_UID),
    ],
    ...["--cap-drop", "ALL", ...userland(plan)],
    ...WORLD_ROOTS.flatMap((root) => ["--bind", STAGE + root, root]),
    ...pins(plan.protectedPaths),
    ...["--remount-ro", "/", "--info-fd", "4", "--as-pid-1"],
    ...["--", "/sbin/init"],
  ];
}

/** The checker's world: root inside, every file readable, none writable. */
export function checkerCommand(
  plan: BubblePlan,
  holderPid: number,
  start: { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string>> },
  token: string,
): string[] {
  const { programs, limits } = plan;
  const script = `ulimit -c 0; ulimit -p ${limits.processes}; echo 9 2>/dev/null >/proc/sys/user/max_user_namespaces; exec "$@"`;
  return [
    ...relayed(
      plan,
      [
        ...[programs.nsenter, "-t", String(holderPid), "-U", "-m", "-i", "--preserve-credentials"],
        ...[
          programs.dash,
          "-c",
          script,
          "sh",
          programs.bwrap,
          ...isolation(plan),
          "--uid",
          "0",
          "--gid",
          "0",
        ],
        ...["--cap-drop", "ALL", "--cap-add", "CAP_DAC_OVERRIDE", "--cap-add", "CAP_DAC_READ_SEARCH"],
        ...userland(plan),
        ...WORLD_ROOTS.flatMap((root) => ["--ro-bind", STAGE + root, root]),
        ...["--remount-ro", "/", "--chdir", "/"],
        ...Object.entries(start.env).flatMap(([name, value]) => ["--setenv", name, value]),
        ...["--", ...start.argv],
      ],
      token,
    ),
  ];
}

/** Runs a program in the operator's world; `token` and its status come on stderr when it ends. */
export function joinCommand(
  plan: BubblePlan,
  initPid: number,
  argv: readonly string[],
  token: string,
): string[] {
  const namespaces = ["-U", "-m", "-p", "-i", "-u", "-n", "-C"];
  return relayed(
    plan,
    [...[plan.programs.nsenter, "-t", String(initPid), ...namespaces, "--preserve-credentials"], ...argv],
    token,
  );
}

/** Output goes through a kernel pipe of the outer user's: what a JavaScript runtime hands out may be a socket, which `/dev/stdout`
 *  cannot open again. When the program ends, its status follows a token on stderr, whoever else still holds the pipe. */
const RELAY = `b=$1; t=$2; shift 2; { "$@"; echo "$t $?" >&2; } | "$b" cat`;

function relayed(plan: BubblePlan, argv: readonly string[], token: string): string[] {
  return [...asHostUser(plan), plan.programs.dash, "-c", RELAY, "sh", plan.programs.busybox, token, ...argv];
}

function isolation(plan: BubblePlan): string[] {
  return ["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", plan.host];
}

const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];

/** Not bubblewrap's `--dev`: with it the world's files belong to another user namespace, which cannot be joined. */
function userland(plan: BubblePlan): string[] {
  const links = ["stdin", "stdout", "stderr"].flatMap((name, i) => [
    "--symlink",
    `/proc/self/fd/${i}`,
    `/dev/${name}`,
  ]);
  return [
    ...plan.tops.flatMap((top) => ["--ro-bind", STAGE + top, top]),
    ...["--perms", "0755", "--dir", "/usr", "--perms", "0755", "--dir", "/usr/bin", "--proc", "/proc"],
    ...["--perms", "0755", "--dir", "/dev", "--symlink", "/proc/self/fd", "/dev/fd", ...links],
    ...DEVICES.flatMap((name) => ["--dev-bind", `/dev/${name}`, `/dev/${name}`]),
  ];
}

/** A mounted file cannot be written, removed or renamed; nor can a directory that is mounted, so each one above it is, too. */
function pins(paths: readonly string[]): string[] {
  const directories = new Set<string>();
  for (const path of paths)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const directory = path.slice(0, at);
      if (!(WORLD_ROOTS as readonly string[]).includes(directory) && directory !== "/usr")
        directories.add(directory);
    }
  return [
    ...[...directories].sort().flatMap((path) => ["--bind", STAGE + path, path]),
    ...paths.flatMap((path) => ["--ro-bind", STAGE + path, path]),
  ];
}
