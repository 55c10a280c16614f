// What a command cannot reach: the network, the machine, other processes, privileges, what is not its own.

import { type Check, inGroup } from "./check.ts";
import { expectResult, holds, like, same, unlike } from "./expectations.ts";

const { check, steps } = inGroup("isolation");

export const isolation: readonly Check[] = [
  check("capabilities", "No capability is held", "section 2: CapEff 0", async (stage) => {
    stage.needs("capabilities");
    const { output } = await stage.run(
      await stage.shared(),
      "grep -E '^Cap(Inh|Prm|Eff|Amb)' /proc/self/status | tr -d '\\t '",
    );
    same(
      "capabilities",
      output,
      ["Inh", "Prm", "Eff", "Amb"].map((set) => `Cap${set}:0000000000000000\n`).join(""),
    );
  }),
  check("no-new-privileges", "No program can gain privileges", "section 2: NoNewPrivs 1", async (stage) => {
    stage.needs("no_new_privileges");
    expectResult(
      "NoNewPrivs",
      await stage.run(await stage.shared(), "grep NoNewPrivs /proc/self/status"),
      "NoNewPrivs:\t1\n",
    );
  }),
  check("seccomp", "System calls are filtered", "section 2: Seccomp 2", async (stage) => {
    stage.needs("seccomp");
    expectResult(
      "Seccomp",
      await stage.run(await stage.shared(), "grep '^Seccomp:' /proc/self/status"),
      "Seccomp:\t2\n",
    );
  }),
  check(
    "no-setuid",
    "No program runs as its owner",
    "no-new-privileges rules out setuid tricks",
    async (stage) => {
      const { output } = await stage.run(
        await stage.shared(),
        "find / -xdev -perm -4000 -type f 2>/dev/null; find / -xdev -perm -2000 -type f 2>/dev/null",
      );
      same("setuid files", output, "");
    },
  ),
  check(
    "network-devices",
    "There is no network device but the loopback",
    "section 2: network none",
    async (stage) => {
      stage.needs("network");
      const sandbox = await stage.shared();
      const { output } = await stage.run(sandbox, "sed 1,2d /proc/net/dev | cut -d: -f1 | tr -d ' '");
      // Empty tunnel devices come with some kernels; they lead nowhere.
      same(
        "devices",
        output
          .split("\n")
          .filter(
            (name) =>
              name && !/^(lo|tunl0|sit0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0)$/.test(name),
          ),
        [],
      );
      expectResult("routes", await stage.run(sandbox, "sed 1d /proc/net/route; sed 1d /proc/net/tcp"), "");
    },
  ),
  check(
    "network-calls",
    "Nothing can be reached over the network",
    "section 2: always none",
    async (stage) => {
      stage.needs("network");
      const sandbox = await stage.shared();
      const { output, timedOut } = await stage.run(
        sandbox,
        "for a in 1.1.1.1 10.0.0.1 172.17.0.1 192.168.0.1 169.254.169.254; do wget -T 2 -q -O - http://$a/ 2>/dev/null && echo reached $a; done; nc -w 1 127.0.0.1 22 </dev/null 2>/dev/null && echo reached 22; nslookup example.org 2>/dev/null | grep -q 'Address.*[1-9]$' && echo resolved; echo end",
        20_000,
      );
      same("answers", [output, timedOut], ["end\n", false]);
    },
  ),
  steps("no-engine", "The engine's socket is not there", "section 2: no docker socket", [
    "ls /var/run/docker.sock /run/docker.sock /run/podman /run/containerd 2>/dev/null | wc -l",
    "0\n",
  ]),
  check(
    "no-host-sockets",
    "No socket of the machine can be seen",
    "abstract sockets need a network namespace",
    async (stage) => {
      stage.needs("network");
      expectResult("sockets", await stage.run(await stage.shared(), "sed 1d /proc/net/unix | wc -l"), "0\n");
    },
  ),
  check(
    "read-only",
    "Nothing outside of the roots of a world can be written",
    "section 2: read-only root",
    async (stage) => {
      const { output } = await stage.run(
        await stage.shared(),
        "for d in / /bin /sbin /lib /lib64 /usr /usr/bin /usr/lib /root /run /mnt /media /sys /proc /proc/sys/kernel /boot /sys/fs/cgroup /dev; do [ -d $d ] || continue; (: >$d/made) 2>/dev/null && echo $d; done; true",
      );
      same("directories that could be written", output, "");
    },
  ),
  check("own-roots", "The roots of a world can be written", "bundles need them", async (stage) => {
    const { output } = await stage.run(
      await stage.shared(),
      "for d in /home /srv /opt /etc /tmp /var /usr/local ~; do (: >$d/made) && rm $d/made || echo $d; done",
    );
    same("directories that could not be written", output, "");
  }),
  check(
    "userland",
    "The programs cannot be replaced",
    "inspect #4709: the model deletes /bin; Harbor#974: replaced bash",
    async (stage) => {
      const sandbox = await stage.open();
      const { output } = await stage.run(
        sandbox,
        "for f in /bin/sh /bin/busybox /bin/dash /bin/ls; do [ -e $f ] || continue; (echo x >$f) 2>/dev/null && echo written $f; rm -f $f 2>/dev/null && echo removed $f; chmod 000 $f 2>/dev/null && echo changed $f; mv $f /tmp/x 2>/dev/null && echo moved $f; cp /bin/true $f 2>/dev/null && echo copied $f; done; rm -rf /bin /lib 2>/dev/null; ls /bin >/dev/null && echo whole",
      );
      same("what happened", output, "whole\n");
    },
  ),
  steps(
    "devices",
    "Devices that lead to the machine are not there, and cannot be made",
    "escaping through device nodes",
    ["mknod /tmp/disk b 8 0 2>/dev/null || mknod /tmp/mem c 1 1 2>/dev/null || echo refused", "refused\n"],
    [
      "for d in mem kmem port kmsg fuse kvm sda vda loop0 loop-control mapper net/tun vhost-net dri snd input; do [ -r /dev/$d ] && echo $d; done; true",
      "",
    ],
    ["find /dev -type b | wc -l", "0\n"],
    ["echo x >/dev/null; head -c 4 /dev/zero | wc -c; head -c 4 /dev/urandom | wc -c", "4\n4\n"],
  ),
  steps(
    "kernel",
    "The kernel's own files cannot be read for secrets or written",
    "escaping through /proc and /sys",
    [
      "for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/drop_caches /sys/kernel/uevent_helper /proc/1/oom_score_adj; do (echo x >$f) 2>/dev/null && echo $f; done; true",
      "",
    ],
    ["head -c 16 /proc/kcore 2>/dev/null | wc -c; head -c 16 /proc/1/mem 2>/dev/null | wc -c", "0\n0\n"],
    ["cat /proc/1/environ 2>/dev/null | wc -c", "0\n"],
    ["ls /proc/1/root/ /proc/1/cwd/ 2>/dev/null | wc -l", "0\n"],
  ),
  steps(
    "mounts",
    "Nothing can be mounted, unshared or changed into",
    "escaping through mounts",
    [
      "(mount -t tmpfs none /mnt || mount -t proc none /tmp || mount --bind / /tmp) 2>/dev/null || echo refused",
      "refused\n",
    ],
    ["busybox mount -o remount,rw / 2>/dev/null || echo refused", "refused\n"],
    ["(chroot / /bin/sh -c 'echo inside') 2>/dev/null || echo refused", "refused\n"],
    ["(unshare -m /bin/sh -c 'echo inside' || unshare -n true) 2>/dev/null || echo refused", "refused\n"],
  ),
  check(
    "user-namespaces",
    "No namespace of one's own gives root",
    "a user namespace opens the kernel's attack surface",
    async (stage) => {
      stage.needs("user_namespaces");
      expectResult(
        "unshare -r",
        await stage.run(
          await stage.shared(),
          "unshare -r id -u 2>/dev/null || unshare -U true 2>/dev/null || echo refused",
        ),
        "refused\n",
      );
    },
  ),
  steps(
    "chown",
    "Files cannot be given away or taken",
    "no capabilities",
    ["chown 0:0 ~/note.txt 2>/dev/null || echo refused", "refused\n"],
    [
      "chmod 4755 /srv/box/tool.sh; chmod 0755 /srv/box/tool.sh; chown 2000 /srv/box/tool.sh 2>/dev/null || echo refused",
      "refused\n",
    ],
  ),
  check(
    "processes",
    "Only processes of the world can be seen",
    "a PID namespace of its own",
    async (stage) => {
      const { output } = await stage.run(await stage.shared(), "ps -o pid,args | sed 1d");
      const names = output.split("\n").filter(Boolean);
      holds("processes", output, "at most 8, with small numbers", names.length <= 8);
      unlike("processes", output, /bun|sekft|dockerd|containerd|systemd/);
    },
  ),
  check(
    "keepalive",
    "What keeps the world alive cannot be killed",
    "section 2: --init, same uid, kill -9 -1: the world dies",
    async (stage) => {
      const sandbox = await stage.open();
      await stage.run(
        sandbox,
        "cd /srv; kill -9 -1; kill -9 1; kill -TERM 1; for p in 1 2 3 4 5 6 7 8; do kill -9 $p; done 2>/dev/null",
      );
      expectResult("pwd", await stage.run(sandbox, "echo alive; ls ~/note.txt"), /^alive\n/);
      await stage.run(sandbox, "sh -c 'kill -9 -1'; echo x");
      expectResult("echo", await stage.run(sandbox, "echo alive"), "alive\n");
    },
  ),
  check(
    "trace-others",
    "The keepalive's memory and descriptors cannot be reached",
    "ptrace and /proc of another uid",
    async (stage) => {
      const { output } = await stage.run(
        await stage.shared(),
        'for p in /proc/[0-9]*; do u=$(stat -c %u $p 2>/dev/null); [ "$u" = 1000 ] && [ $p != /proc/1 ] && continue; for d in fd cwd/ root/ map_files; do ls $p/$d >/dev/null 2>&1 && echo $p/$d; done; head -c 1 $p/mem 2>/dev/null; done | wc -l',
      );
      same("entries that could be listed", output, "0\n");
    },
  ),
  check(
    "mount-table",
    "The mount table tells no folder of the harness",
    "host paths are a trace",
    async (stage) => {
      const { output } = await stage.run(await stage.shared(), "cat /proc/mounts");
      like("mount table", output, / \/home /);
      unlike("mount table", output, /sekft|\/root\b|\.docker|overlay2\/[^ ]*secret/);
    },
  ),
  check("worlds", "Worlds do not see each other", "parallel samples", async (stage) => {
    const [a, b] = await Promise.all([stage.open(), stage.open()]);
    await stage.run(a, "echo mine >/tmp/a; echo mine >/dev/shm/a; mkfifo /var/f; cd /srv; export A=1");
    const { output } = await stage.run(
      b,
      "ls /tmp/a /dev/shm/a /var/f 2>/dev/null; pwd; echo ${A-unset}; ps -o args | grep -c '[s]leep 91'",
    );
    like("what the other sees", output, /^\/home\/\w+\nunset\n0\n$/);
  }),
];
