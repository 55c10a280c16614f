// The command line that stands up one sandbox for one program: bubblewrap, the machine's own interpreters read-only, nothing else.

import type { ControlGroup } from "../../sandbox/bubblewrap/control-group.ts";
import type { Programs } from "../../sandbox/bubblewrap/programs.ts";
import type { ProgramLimits } from "./contract.ts";

/** The directory of a program inside its sandbox. */
export const WORK = "/work";

/** Where what belongs to the judge lies; nothing of it is left when a candidate starts. */
export const JUDGE = "/judge";

/** What every sandbox of a runner has in common. */
export interface Place {
  readonly programs: Programs;
  /** Absolute path of the Python, the same inside; `undefined`: Python cannot run. */
  readonly python: string | undefined;
  /** Its folder where that lies outside /usr. */
  readonly pythonPrefix: string | undefined;
  /** Path on this machine of the runtime that appears as /opt/bun; `undefined`: JavaScript cannot run. */
  readonly bun: string | undefined;
}

const JOIN_GROUPS =
  'while [ "$1" != -- ]; do echo 0 2>/dev/null >"$1/cgroup.procs"; shift; done; shift; exec "$@"';

/** Unpacks stdin, gives the program its own stdin and, for its output, pipes: what a JavaScript runtime hands out may be a socket,
 *  which `/dev/stderr` cannot open again. What the program leaves running ends with it. */
const START = `b=${JUDGE}/busybox; $b tar -xof - -C / || exit 97
exec <${JUDGE}/stdin; $b rm ${JUDGE}/stdin; $b mkfifo ${JUDGE}/o ${JUDGE}/e
$b cat <${JUDGE}/o & o=$!; $b cat <${JUDGE}/e >&2 & e=$!
cd ${WORK}
( ulimit -c 0; ulimit -n 256; ulimit -p "$1"; [ "$2" = 0 ] || ulimit -v "$2"; shift 2; exec "$@" ) >${JUDGE}/o 2>${JUDGE}/e
s=$?
for p in /proc/[0-9]*; do case \${p#/proc/} in 1|$$|$o|$e) ;; *) kill -9 "\${p#/proc/}" 2>/dev/null ;; esac; done
wait; exit $s`;

/** The whole command line. stdin is a tar archive of ${WORK}/* and ${JUDGE}/stdin. `argv` is looked up inside. */
export function sandboxCommand(
  place: Place,
  limits: ProgramLimits,
  group: ControlGroup | undefined,
  argv: readonly string[],
  options: { readonly hostUid: number | undefined; readonly limitAddressSpace: boolean },
): string[] {
  const { programs } = place;
  const user =
    options.hostUid === undefined
      ? []
      : [`--reuid=${options.hostUid}`, `--regid=${options.hostUid}`, "--clear-groups"];
  const join = group ? [programs.dash, "-c", JOIN_GROUPS, "sh", ...group.paths, "--"] : [];
  const addressKiB = options.limitAddressSpace ? Math.floor(limits.memoryBytes / 1024) : 0;
  return [
    ...join,
    ...[programs.setpriv, ...user, "--no-new-privs", programs.bwrap],
    ...["--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "box"],
    ...["--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"],
    ...["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin"],
    ...["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"],
    ...(place.pythonPrefix === undefined ? [] : ["--ro-bind", place.pythonPrefix, place.pythonPrefix]),
    ...(place.bun === undefined ? [] : ["--ro-bind", place.bun, "/opt/bun"]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...["--size", String(limits.diskBytes), "--tmpfs", "/tmp"],
    ...["--size", String(limits.diskBytes), "--tmpfs", WORK],
    ...["--size", String(limits.diskBytes), "--tmpfs", JUDGE],
    ...["--ro-bind", programs.busybox, `${JUDGE}/busybox`, "--remount-ro", "/"],
    ...["--setenv", "PATH", "/usr/local/bin:/usr/bin:/bin", "--setenv", "HOME", "/tmp"],
    ...["--setenv", "LC_ALL", "C.UTF-8", "--setenv", "PYTHONDONTWRITEBYTECODE", "1"],
    ...["--setenv", "PYTHONHASHSEED", "0", "--setenv", "BUN_BE_BUN", "1"],
    ...["--", "/bin/sh", "-c", START, "sh", String(limits.processes), String(addressKiB), ...argv],
  ];
}
