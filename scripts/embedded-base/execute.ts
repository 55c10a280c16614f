// Runs the commands of many sessions for real: dash and BusyBox under bubblewrap, a fresh world for each session.

import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "./names.ts";
import type { Ran, Script } from "./session.ts";

const roots = ["home", "srv", "opt", "etc", "tmp", "var", "usr/local"];
const notBusybox = new Set(
  "sh ash bash dash su sudo login init reboot poweroff halt mount umount".split(" "),
);

/** A folder with `bin`: dash as sh, BusyBox for the rest. */
export async function makeUserland(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "userland-"));
  const bin = join(folder, "bin");
  await mkdir(bin);
  for (const program of ["busybox", "dash"]) {
    const path = Bun.which(program);
    if (path === null) throw new Error(`${program}: expected it to be installed (busybox-static, dash)`);
    await copyFile(path, join(bin, program));
    await chmod(join(bin, program), 0o755);
  }
  const list = await new Response(Bun.spawn(["busybox", "--list"]).stdout).text();
  for (const name of list.split("\n"))
    if (name && !notBusybox.has(name) && name !== "busybox") await symlink("busybox", join(bin, name));
  await symlink("dash", join(bin, "sh"));
  return folder;
}

const mark = "\x01";

/** The sh program that plays the sessions one after the other and writes marked outputs. */
function driver(scripts: readonly Script[]): string {
  const lines = ["umask 022"];
  for (const script of scripts) {
    const home = `/home/${script.user}`;
    const files = script.jobs.flatMap(({ job }) => job.files ?? []);
    const dirs = new Set([
      home,
      "/usr/local/bin",
      ...script.jobs.flatMap(({ job }) => job.dirs ?? []),
      ...files.map(({ path }) => path.slice(0, path.lastIndexOf("/")) || "/"),
    ]);
    lines.push(
      `cd /; rm -rf ${roots.map((root) => `/${root}/* /${root}/.[!.]*`).join(" ")}; mkdir -p ${[...dirs].join(" ")}`,
    );
    lines.push(
      `printf '%s\\n' 'root:x:0:0:root:/root:/bin/sh' '${script.user}:x:1000:1000::${home}:/bin/dash' > /etc/passwd; printf '%s\\n' 'root:x:0:' '${script.user}:x:1000:' > /etc/group`,
    );
    for (const { path, content } of files) lines.push(`printf '%s' ${quote(content)} > ${path}`);
    for (const { path, mode } of files)
      if (mode !== undefined && mode !== "0644") lines.push(`chmod ${mode} ${path}`);
    const env = {
      HOME: home,
      USER: script.user,
      LOGNAME: script.user,
      SHELL: "/bin/dash",
      PATH: "/usr/local/bin:/bin",
      TERM: "dumb",
      LC_ALL: "C.UTF-8",
      TZ: "UTC",
      ...script.env,
    };
    lines.push(
      `(`,
      ...Object.entries(env).map(([name, value]) => `export ${name}=${quote(value)}`),
      `cd ${home}`,
    );
    for (const { job } of script.jobs)
      for (const command of job.commands)
        lines.push(
          `/bin/sh -c ${quote(`${command}\necho $? >/run/status; pwd >/run/cwd`)} </dev/null 2>&1; read -r s </run/status; read -r d </run/cwd; cd "$d" 2>/dev/null; printf '%s%s%s%s%s\\n' '${mark}' "$PWD" '${mark}' "$s" '${mark}'`,
        );
    lines.push(")");
  }
  return `${lines.join("\n")}\n`;
}

/** Results of each script, command by command. */
export async function execute(userland: string, scripts: readonly Script[]): Promise<(readonly Ran[])[]> {
  const folder = await mkdtemp(join(tmpdir(), "sessions-"));
  try {
    await writeFile(join(folder, "driver"), driver(scripts));
    const args = [
      "--unshare-all",
      "--die-with-parent",
      "--new-session",
      "--clearenv",
      "--hostname",
      "sek",
      "--uid",
      "1000",
      "--gid",
      "1000",
      "--ro-bind",
      join(userland, "bin"),
      "/bin",
      "--ro-bind",
      "/lib",
      "/lib",
      "--ro-bind",
      "/lib64",
      "/lib64",
      "--dir",
      "/usr/bin",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
      "--tmpfs",
      "/run",
      "--ro-bind",
      join(folder, "driver"),
      "/run/driver",
    ];
    for (const root of roots) args.push("--tmpfs", `/${root}`);
    const child = Bun.spawn(["bwrap", ...args, "--", "/bin/sh", "/run/driver"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const text = await new Response(child.stdout).text();
    if ((await child.exited) !== 0)
      throw new Error(`bwrap: ${(await new Response(child.stderr).text()).slice(0, 500)}`);
    const pieces = text.split(mark);
    let at = 0;
    return scripts.map((script) =>
      script.jobs.flatMap(({ job }) =>
        job.commands.map(() => {
          const output = (pieces[at] ?? "").slice(at === 0 ? 0 : 1);
          const ran = { output, directory: pieces[at + 1] ?? "/", status: Number(pieces[at + 2] ?? 1) };
          at += 3;
          return ran;
        }),
      ),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
