// Files held against checksums and against each other.

import { createHash } from "node:crypto";
import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { holds, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** A manifest written, a manifest checked, or a file known by its sum. */
export function checksum(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const ending = rng.pick(["dat", "txt", "img"]);
  const names = seat
    .take(rng.int(2, 2 + seat.difficulty))
    .map((word) => `${word}.${ending}`)
    .sort();
  const [program, algorithm, label] = rng.pick([
    ["sha256sum", "sha256", "SHA-256"],
    ["md5sum", "md5", "MD5"],
    ["sha1sum", "sha1", "SHA-1"],
  ] as const);
  const bodies = new Map(names.map((name) => [name, text([name, ...proseLines(rng, 1, 3)])]));
  const sum = (content: string): string => createHash(algorithm).update(content).digest("hex");
  const lines = names.map((name) => `${sum(bodies.get(name)!)}  ${name}`);
  const kind = rng.pick(["manifest", "manifest", "verify", "which"]);
  const path = `${seat.home}/${seat.word()}.${kind === "manifest" ? "sums" : "txt"}`;
  const out = seat.spelled(path);
  const manifest = `${directory}/SUMS`;
  const damaged = names.filter((_, i) => i === 1 || (i > 1 && rng.chance(0.4)));
  const files = names.map((name) => ({
    path: `${directory}/${name}`,
    content: kind === "verify" && damaged.includes(name) ? `${bodies.get(name)}!\n` : bodies.get(name)!,
  }));
  const wanted = rng.pick(names);
  const found = `${program} ${directory}/*.${ending}`;
  const common = {
    variant: kind,
    dirs: [],
    fixtures: [...files, ...(kind === "verify" ? [{ path: manifest, content: text(lines) }] : [])],
    look: [`ls ${directory}`, found],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `${program} ${directory}/none.${ending}`],
    terminal: "exit" as const,
  };
  const same = files.map(({ path: file, content }) => holds(file, content));
  if (kind === "manifest")
    return {
      ...common,
      directive: rng.pick([
        `Write the ${label} checksums of all .${ending} files in ${shown} to ${out}, in the form that ${program} prints (sum, two blanks, bare file name), sorted by name. Do not change the files.`,
        `${out} must be a manifest of ${shown}: for each .${ending} file the line that ${program} prints for it when run in that directory, sorted by file name. The files stay as they are.`,
      ]),
      checks: [holds(path, text(lines)), ...same],
      solutions: [
        steps(`cd ${directory}`, `${program} *.${ending} > ${out}`, `= cat ${out}`),
        steps(
          `? ls ${directory}`,
          `(cd ${directory} && ${program} ${names.join(" ")}) > ${out}`,
          `= cat ${out}`,
        ),
        steps(`${found} | sed 's|${directory}/||' > ${out}`, `= cat ${out}`),
      ],
    };
  if (kind === "verify")
    return {
      ...common,
      directive: rng.pick([
        `${shown}/SUMS holds ${label} checksums of the files beside it. Write the names of the files that do not match it to ${out}, one bare name a line, sorted. Change no file.`,
        `Check the files in ${shown} against the manifest SUMS there (made by ${program}). List those that fail, by bare name, a line each and sorted, in ${out}; change nothing in ${shown}.`,
      ]),
      checks: [holds(path, text(damaged)), holds(manifest, text(lines)), ...same],
      solutions: [
        steps(
          `cd ${directory}`,
          `${program} -c SUMS 2>/dev/null | grep FAILED | cut -d: -f1 | sort > ${out}`,
          `= cat ${out}`,
        ),
        steps(
          `? cat ${manifest}`,
          `(cd ${directory} && while read -r s f; do [ "$(${program} < $f | cut -d' ' -f1)" = $s ] || echo $f; done < SUMS) | sort > ${out}`,
          `= cat ${out}`,
        ),
        steps(
          `? (cd ${directory} && ${program} -c SUMS; true)`,
          `printf '%s\\n' ${damaged.join(" ")} > ${out}`,
          `= cat ${out}`,
        ),
      ],
    };
  const hex = sum(bodies.get(wanted)!);
  return {
    ...common,
    directive: rng.pick([
      `Which .${ending} file in ${shown} has the ${label} checksum ${hex}? Write its bare name, and nothing else, to ${out}. Change none of the files.`,
      `One file in ${shown} has the ${label} sum ${hex}. Put its name, without directory, into ${out}; leave the files as they are.`,
    ]),
    checks: [holds(path, `${wanted}\n`), ...same],
    solutions: [
      steps(`? ${found}`, `echo ${wanted} > ${out}`, `= cat ${out}`),
      steps(`cd ${directory}`, `${program} * | grep ${hex} | awk '{print $2}' > ${out}`, `= cat ${out}`),
      steps(`${found} | grep ${hex} | sed 's|.*/||' > ${out}`, `= cat ${out}`),
    ],
  };
}

/** Lines or files that two places have in common, or not. */
export function compareFiles(seat: Seat): Work {
  return seat.rng.chance(0.6) ? compareLines(seat) : compareDirectories(seat);
}

function compareLines(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const [left, right] = seat.take(2).map((word) => `${directory}/${word}.list`) as [string, string];
  const shared = seat.take(rng.int(2, 4));
  const onlyLeft = seat.take(rng.int(1, 1 + seat.difficulty));
  const onlyRight = seat.take(rng.int(1, 2));
  const one = rng.shuffle([...shared, ...onlyLeft]);
  const two = rng.shuffle([...shared, ...onlyRight]);
  const path = `${seat.home}/${seat.word()}.${rng.pick(["diff", "out", "txt"])}`;
  const out = seat.spelled(path);
  const common = rng.chance(0.4);
  const want = (common ? shared : onlyLeft).toSorted();
  const [a, b] = [seat.spelled(left), seat.spelled(right)];
  const flag = common ? "-xFf" : "-vxFf";
  return {
    variant: common ? "common_lines" : "missing_lines",
    directive: common
      ? rng.pick([
          `Write the lines that ${a} and ${b} have in common to ${out}, sorted. Change neither of the two.`,
          `Which lines stand in ${a} as well as in ${b}? List them in ${out}, sorted, each once; leave both files as they are.`,
        ])
      : rng.pick([
          `Write the lines of ${a} that are not in ${b} to ${out}, sorted. Change neither of the two.`,
          `What does ${b} lack of ${a}? Put the missing lines, sorted, into ${out}; leave both files as they are.`,
        ]),
    dirs: [],
    fixtures: [
      { path: left, content: text(one) },
      { path: right, content: text(two) },
    ],
    checks: [holds(path, text(want)), holds(left, text(one)), holds(right, text(two))],
    solutions: [
      steps(`? cat ${left} ${right}`, `grep ${flag} ${right} ${left} | sort > ${out}`, `= cat ${out}`),
      steps(
        `while read -r l; do grep -qx "$l" ${right} ${common ? "&&" : "||"} echo "$l"; done < ${left} | sort > ${out}`,
        `= cat ${out}`,
      ),
      steps(`? diff ${left} ${right}; true`, `printf '%s\\n' ${want.join(" ")} > ${out}`, `= cat ${out}`),
    ],
    look: [`cat ${left}`, `cat ${right}`, `ls ${directory}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `cat ${left}s`],
    terminal: "exit",
  };
}

function compareDirectories(seat: Seat): Work {
  const { rng } = seat;
  const base = seat.place();
  const [left, right] = seat.take(2).map((word) => `${base}/${word}`) as [string, string];
  const names = seat
    .take(rng.int(3, 3 + seat.difficulty))
    .map((word) => `${word}.txt`)
    .sort();
  const differing = names.filter((_, i) => i === 0 || rng.chance(0.35)).slice(0, names.length - 1);
  const fixtures = names.flatMap((name) => {
    const lines = proseLines(rng, 2, 3);
    const other = differing.includes(name) ? [...lines, "one more"] : lines;
    return [
      { path: `${left}/${name}`, content: text(lines) },
      { path: `${right}/${name}`, content: text(other) },
    ];
  });
  const path = `${seat.home}/${seat.word()}.${rng.pick(["diff", "out", "names"])}`;
  const out = seat.spelled(path);
  return {
    variant: "directories",
    directive: rng.pick([
      `${left} and ${right} hold files of the same names. Write the names of those whose contents differ to ${out}: bare names, sorted, one a line. Change no file in either.`,
      `Compare the directories ${left} and ${right}, file by file. ${out} must list, by bare name, a line each and sorted, the files that are not the same in both. Leave both directories as they are.`,
    ]),
    dirs: [],
    fixtures,
    checks: [holds(path, text(differing)), ...fixtures.map((file) => holds(file.path, file.content))],
    solutions: [
      steps(
        `cd ${left}`,
        `for f in *; do cmp -s "$f" "${right}/$f" || echo "$f"; done > ${out}`,
        `= cat ${out}`,
      ),
      steps(
        `? diff -r ${left} ${right}; true`,
        `printf '%s\\n' ${differing.join(" ")} > ${out}`,
        `= cat ${out}`,
      ),
      steps(
        `for f in $(ls ${left}); do diff ${left}/$f ${right}/$f > /dev/null || echo $f; done | sort > ${out}`,
        `= cat ${out}`,
      ),
    ],
    look: [`ls ${left} ${right}`, `cat ${left}/${names[0]} ${right}/${names[0]}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `cmp ${left}/${differing[0]} ${right}/${differing[0]}`],
    terminal: "exit",
  };
}
