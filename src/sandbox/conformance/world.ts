// The world as a bundle describes it: the facts that the corpus was recorded with.

import { DataError } from "../../base/errors.ts";
import { FIXTURE_MTIME, type World } from "../contract.ts";
import { type Check, inGroup } from "./check.ts";
import { Mismatch, same } from "./expectations.ts";
import { sampleDirective, sampleHome, sampleUser, sampleWorld } from "./sample-world.ts";
import type { Stage } from "./stage.ts";

const { check, steps } = inGroup("world");
const parity = "parity with the recorded corpus";

function refuses(name: string, title: string, changes: Partial<World>): Check {
  return check(
    name,
    title,
    "contract: DataError when the world itself is impossible",
    async (stage: Stage) => {
      const error = await stage.open(changes).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof DataError))
        throw new Mismatch("opening the world", "a DataError", String(error));
    },
  );
}

export const worlds: readonly Check[] = [
  steps(
    "fixtures",
    "Fixtures have their content, mode, owner and time",
    parity,
    ["cat ~/note.txt '/srv/box/grüße mit leerzeichen.txt'", "a note\ngröße 中文 😀\nno end"],
    [
      "stat -c '%a %u %g %Y %n' ~/note.txt /srv/box/plain.txt /srv/box/sealed /srv/box/tool.sh",
      `644 1000 1000 ${FIXTURE_MTIME} ${sampleHome}/note.txt\n640 1000 1000 ${FIXTURE_MTIME} /srv/box/plain.txt\n0 1000 1000 ${FIXTURE_MTIME} /srv/box/sealed\n755 1000 1000 ${FIXTURE_MTIME} /srv/box/tool.sh\n`,
    ],
    ["/srv/box/tool.sh a b", "tool 2\n"],
  ),
  steps("directories", "Directories have their mode, also when fixtures lie in them", parity, [
    "stat -c '%a %u %n' /srv/box /srv/vault /var/spool/jobs ~",
    `755 1000 /srv/box\n0 1000 /srv/vault\n755 1000 /var/spool/jobs\n755 1000 ${sampleHome}\n`,
  ]),
  steps("long-listing", "`ls -l` tells the time of the fixtures, not of the world", parity, [
    "ls -l ~/note.txt | tr -s ' ' | cut -d' ' -f1-5",
    "-rw-r--r-- 1 tester tester 7\n",
  ]),
  steps(
    "accounts",
    "The accounts are root and the operator",
    parity,
    [
      "grep -E '^(root|tester):' /etc/passwd",
      `root:x:0:0:root:/root:/bin/sh\n${sampleUser}:x:1000:1000::${sampleHome}:/bin/dash\n`,
    ],
    ["grep -E '^(root|tester):' /etc/group", `root:x:0:\n${sampleUser}:x:1000:\n`],
    ["echo ~ ~root", `${sampleHome} /root\n`],
  ),
  steps("time", "The clock says UTC", parity, ["date +%Z; date -d @0 +%H:%M", "UTC\n00:00\n"]),
  steps("locale", "Names and text are UTF-8", parity, [
    "locale charmap 2>/dev/null || echo $LC_ALL; ls /srv/box | grep -c größe || ls /srv/box | grep -c grüße",
    /1\n$/,
  ]),
  steps(
    "shell",
    "`/bin/sh` is dash",
    "bundles are recorded in dash",
    ["readlink -f /bin/sh", { output: /dash\n$/, status: 0 }],
    ["/bin/sh -c 'echo ${x//a/b}'", { output: "/bin/sh: 1: Bad substitution\n", status: 2 }],
    ["[ -x /bin/dash ] && echo there", "there\n"],
  ),
  steps("programs", "Every program that scenarios use is there", "archetypes", [
    "for p in awk basename base64 cat chmod cmp cp cut date dd diff dirname du env expr false find fold grep gunzip gzip head hostname id kill ln ls md5sum mkdir mkfifo mktemp mv nl od paste printf ps pwd readlink realpath rev rm rmdir sed seq setsid sha256sum sleep sort stat strings tac tail tar tee test timeout touch tr true tty uname uniq unzip wc which whoami xargs yes; do command -v $p >/dev/null || echo $p; done",
    "",
  ]),
  steps("no-programs", "Programs that lead out are not there", parity, [
    "for p in sudo su docker mount.nfs ssh python3 perl gcc curl bash; do command -v $p; done; true",
    "",
  ]),
  steps(
    "provider",
    "The provider program runs and cannot be changed",
    "only way to the directive; root-owned",
    ["/opt/desk/askdesk --list", `${sampleDirective}\n`],
    ["stat -c %a /opt/desk/askdesk", "755\n"],
    [
      "(echo x >>/opt/desk/askdesk) 2>/dev/null || chmod 777 /opt/desk/askdesk 2>/dev/null || echo refused",
      "refused\n",
    ],
  ),
  steps(
    "announcement",
    "The announcement's own file is root's",
    "the announcement must stay as it was",
    ["cat /etc/motd; stat -c %a /etc/motd", "tasks: /opt/desk/askdesk --help\n644\n"],
    ["(echo x >>/etc/motd) 2>/dev/null || echo refused", "refused\n"],
  ),
  check(
    "owners",
    "The provider program and the announcement's own file belong to root",
    "bundles: root-owned",
    async (stage) => {
      stage.needs("owners");
      const { output } = await stage.run(
        await stage.shared(),
        "stat -c %u /opt/desk/askdesk /etc/motd /etc/passwd",
      );
      same("owners", output, "0\n0\n0\n");
    },
  ),
  steps(
    "kernel-files",
    "/proc and /dev are those of the world",
    parity,
    [
      "[ -r /proc/self/status ] && [ -c /dev/null ] && [ -c /dev/urandom ] && [ -d /proc/1 ] && echo there",
      "there\n",
    ],
    ["echo $$ | grep -cE '^[0-9]{1,5}$'", "1\n"],
  ),
  check("hostname", "Host and user are those of the bundle", "bundles name them", async (stage) => {
    const sandbox = await stage.open({ user: "nora_2", host: "lab-7", fixtures: [], dirs: [] });
    const { output } = await stage.run(sandbox, "hostname; whoami; echo $HOME; pwd; echo $USER $LOGNAME");
    same("names", output, "lab-7\nnora_2\n/home/nora_2\n/home/nora_2\nnora_2 nora_2\n");
  }),
  check(
    "announcement-file",
    "A file that the login names is root's too, below ~ as well",
    "announcement kind file",
    async (stage) => {
      const path = `${sampleHome}/START_HERE`;
      const sandbox = await stage.open({
        fixtures: [{ path, content: "read me\n" }],
        announcement: { kind: "file", login: "see ~/START_HERE\n" },
      });
      const { output } = await stage.run(
        sandbox,
        "cat ~/START_HERE; (echo x >>~/START_HERE) 2>/dev/null || echo refused; touch ~/other && echo free",
      );
      same("the file", output, "read me\nrefused\nfree\n");
    },
  ),
  check(
    "provider-places",
    "A provider may lie in any root",
    "bundles: /opt, /usr/local/bin, home",
    async (stage) => {
      for (const path of ["/usr/local/bin/ask", `${sampleHome}/bin/ask`, "/srv/ask/ask", "/etc/ask"]) {
        const sandbox = await stage.open({ provider: { path, script: "#!/bin/sh\necho asked\n" } });
        const { output } = await stage.run(
          sandbox,
          `${path}; (echo x >>${path}) 2>/dev/null || echo refused; : >"\${PWD}/x" && echo free`,
        );
        same(path, output, "asked\nrefused\nfree\n");
      }
    },
  ),
  check("large-fixture", "A fixture of 4 MiB arrives whole", "transport", async (stage) => {
    const line = "0123456789abcde\n";
    const sandbox = await stage.open({ fixtures: [{ path: "/var/big", content: line.repeat(2 ** 18) }] });
    same(
      "its size",
      (await stage.run(sandbox, "wc -lc </var/big | tr -s ' '; tail -1 /var/big")).output.trimStart(),
      `262144 4194304\n${line}`,
    );
  }),
  check(
    "many-fixtures",
    "500 fixtures arrive in the order that a listing shows",
    "transport",
    async (stage) => {
      const fixtures = Array.from({ length: 500 }, (_, i) => ({
        path: `/srv/many/d${i % 7}/f${i}`,
        content: `${i}\n`,
      }));
      const sandbox = await stage.open({ fixtures });
      same(
        "files, lines",
        (await stage.run(sandbox, "find /srv/many -type f | wc -l; cat /srv/many/*/* | sort -n | tail -1"))
          .output,
        "500\n499\n",
      );
    },
  ),
  check("minimal", "A world of nothing but a provider stands", "bundles without fixtures", async (stage) => {
    const sandbox = await stage.open({
      dirs: [],
      fixtures: [],
      env: {},
      announcement: { kind: "banner", login: "" },
    });
    same("home", (await stage.run(sandbox, "pwd; ls -A")).output, `${sampleHome}\n`);
  }),
  refuses("path-outside", "A fixture outside of the roots is refused", {
    fixtures: [{ path: "/bin/ls", content: "x" }],
  }),
  refuses("path-upwards", "A path that climbs out of its root is refused", {
    fixtures: [{ path: "/srv/../bin/ls", content: "x" }],
  }),
  refuses("mode-nonsense", "A mode that is none is refused", {
    fixtures: [{ path: "/srv/x", content: "x", mode: "rw-r" }],
  }),
  refuses("too-large", "A world larger than its disk is refused", {
    fixtures: [{ path: "/srv/x", content: "x".repeat(40 * 2 ** 20) }],
  }),
  refuses("file-as-directory", "A file that another one lies in is refused", {
    fixtures: [
      { path: "/srv/x", content: "x" },
      { path: "/srv/x/y", content: "y" },
    ],
  }),
  check(
    "same-twice",
    "The same world twice is the same to the byte",
    "resume and parallel samples",
    async (stage) => {
      const look =
        "find /home /srv /opt /etc /var /usr/local | sort | while read -r f; do stat -c '%n %a %u %s' \"$f\"; done | grep -v ' /dev' | sha256sum";
      const world = sampleWorld();
      const [a, b] = await Promise.all([stage.open(world), stage.open(world)]);
      same(
        "hash of names, modes, owners and sizes",
        (await stage.run(a, look)).output,
        (await stage.run(b, look)).output,
      );
    },
  ),
];
