// Numbers found out and written down: hits of a search, sizes of files, sums of tables.

import { proseLines } from "../prose.ts";
import type { Seat } from "../seat.ts";
import { holds, isNumber, text } from "../sh.ts";
import { steps, type Work } from "../work.ts";

/** Lines or files below a directory that hold a word. */
export function searchCount(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const key = rng.pick(["ERROR", "OVERDUE", "failed", "retry", "PENDING", "lost"]);
  const path = `${seat.home}/${seat.word()}.${rng.pick(["count", "number", "result"])}`;
  const out = seat.spelled(path);
  const folders = ["", seat.word(), ...(seat.difficulty > 1 ? [`${seat.word()}/${seat.word()}`] : [])];
  const files = seat.take(rng.int(3, 3 + seat.difficulty)).map((word, i) => {
    const folder = folders[i % folders.length]!;
    const rows = Array.from(
      { length: rng.int(2, 6) },
      () => `${rng.pick(["job", "part", "unit"])} ${rng.int(1, 99)} ${rng.pick([key, "ok", "ok", "done"])}`,
    );
    if (i === 0) rows.push(`job ${rng.int(1, 99)} ${key}`);
    return {
      path: `${directory}/${folder === "" ? "" : `${folder}/`}${word}.${rng.pick(["txt", "log"])}`,
      rows,
    };
  });
  const hits = files.map(({ rows }) => rows.filter((row) => row.includes(key)).length);
  const byFile = rng.chance(0.4);
  const want = byFile ? hits.filter(Boolean).length : hits.reduce((a, b) => a + b, 0);
  const shown = seat.spelled(directory);
  const directive = byFile
    ? rng.pick([
        `Count the files below ${shown} that contain the word ${key}. Write the number, alone, to ${out}.`,
        `In how many files below ${shown} (subdirectories included) does ${key} stand? ${out} must hold that number and nothing else.`,
        `Find out how many files under ${shown} mention ${key}, at any depth, and put the bare number into ${out}.`,
      ])
    : rng.pick([
        `Count the lines below ${shown} (all files, subdirectories too) that contain ${key}. Write the number, alone, to ${out}.`,
        `How many lines with ${key} are there in all files under ${shown}, at any depth? Put only the number into ${out}.`,
        `${out} must hold one number: how many lines of the files below ${shown} contain the word ${key}. Subdirectories count.`,
      ]);
  const commands = byFile
    ? [
        `grep -rl ${key} ${directory} | wc -l > ${out}`,
        `find ${directory} -type f -exec grep -l ${key} {} + | wc -l > ${out}`,
      ]
    : [
        `grep -rh ${key} ${directory} | wc -l > ${out}`,
        `cat $(find ${directory} -type f) | grep -c ${key} > ${out}`,
      ];
  const look = byFile ? `grep -rl ${key} ${directory}` : `grep -r ${key} ${directory}`;
  return {
    variant: byFile ? "files" : "lines",
    directive,
    dirs: [],
    fixtures: files.map((file) => ({ path: file.path, content: text(file.rows) })),
    checks: [isNumber(path, want)],
    solutions: [
      steps(`? ${look}`, commands[0]!, `= cat ${out}`),
      steps(`? ls -R ${directory}`, commands[1]!, `= cat ${out}`),
      steps(`? ${look}`, `echo ${want} > ${out}`, `= cat ${out}`),
      // At home, the same search may hold the same hits without going there.
      ...(directory.startsWith(seat.home)
        ? []
        : [steps(`cd ${directory}`, commands[0]!.replace(directory, "."), `= cat ${out}`)]),
    ],
    look: [`ls -R ${directory}`, look, `find ${directory} -type f`],
    verify: [`cat ${out}`, `ls -l ${out}`, look],
    slips: [`cat ${out}`, `grep ${key} ${directory}/*.none`],
    terminal: "exit",
  };
}

/** Lines, words or bytes of one file, or the lines of each of several. */
export function lineCount(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const shown = seat.spelled(directory);
  const names = seat.take(rng.int(2, 2 + seat.difficulty)).map((word) => `${word}.txt`);
  const bodies = new Map(names.map((name) => [name, proseLines(rng, 2, 9)]));
  const [name] = names as [string];
  const source = `${directory}/${name}`;
  const path = `${rng.pick([seat.home, directory])}/${seat.word()}.${rng.pick(["count", "size", "out"])}`;
  const out = seat.spelled(path);
  const lines = bodies.get(name)!;
  const fixtures = [...bodies].map(([file, body]) => ({ path: `${directory}/${file}`, content: text(body) }));
  const common = {
    dirs: [],
    fixtures,
    look: [`ls -l ${directory}`, `cat ${source}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `wc -l ${source}t`],
    terminal: "exit" as const,
  };
  const kind = rng.pick(["lines", "words", "bytes", "each"]);
  if (kind === "each") {
    const want = names.toSorted().map((file) => `${file} ${bodies.get(file)!.length}`);
    return {
      ...common,
      variant: "each",
      directive: rng.pick([
        `For every .txt file in ${shown} write a line NAME LINES to ${out}: the file's name without directory, a blank, its number of lines. Sort the lines by name.`,
        `${out} must list the .txt files of ${shown}, sorted by name, one a line: the bare name, a blank, how many lines the file has.`,
      ]),
      checks: [holds(path, text(want))],
      solutions: [
        steps(
          `cd ${directory}`,
          `for f in *.txt; do echo "$f $(wc -l < "$f")"; done > ${out}`,
          `= cat ${out}`,
        ),
        steps(
          `? wc -l ${directory}/*.txt`,
          `printf '%s\\n' ${want.map((line) => `'${line}'`).join(" ")} > ${out}`,
          `= cat ${out}`,
        ),
        steps(
          `(cd ${directory} && wc -l *.txt) | grep -v ' total$' | awk '{print $2, $1}' > ${out}`,
          `= cat ${out}`,
        ),
      ],
    };
  }
  const flag = { lines: "-l", words: "-w", bytes: "-c" }[kind as "lines"];
  const body = text(lines);
  const want =
    kind === "lines"
      ? lines.length
      : kind === "words"
        ? body.split(/\s+/).filter(Boolean).length
        : Buffer.byteLength(body);
  return {
    ...common,
    variant: kind,
    directive: rng.pick([
      `Write the number of ${kind} of ${shown}/${name}, alone, to ${out}.`,
      `How many ${kind} does ${shown}/${name} have? Put only the number into ${out}.`,
      `${out} must hold one number: how many ${kind} there are in ${shown}/${name}.`,
    ]),
    checks: [isNumber(path, want)],
    solutions: [
      steps(`? wc ${source}`, `wc ${flag} < ${source} > ${out}`, `= cat ${out}`),
      steps(`? wc ${flag} ${source}`, `echo ${want} > ${out}`, `= cat ${out}`),
      steps(`cat ${source} | wc ${flag} > ${out}`, `= cat ${out}`),
    ],
  };
}

/** Sums, counts and choices over a comma-separated table. */
export function csvSum(seat: Seat): Work {
  const { rng } = seat;
  const directory = seat.place();
  const table = `${directory}/${seat.word()}.csv`;
  const shown = seat.spelled(table);
  const groups = seat.take(3);
  const items = seat.take(rng.int(4, 5 + 2 * seat.difficulty));
  const header = rng.pick(["item,place,amount", "name,group,count", "part,store,pieces"]);
  const [first, second, third] = header.split(",") as [string, string, string];
  const rows = items.map(
    (item, i) => [item, i < 3 ? groups[i]! : rng.pick(groups), String(rng.int(1, 95))] as const,
  );
  const path = `${seat.home}/${seat.word()}.${rng.pick(["sum", "total", "txt"])}`;
  const out = seat.spelled(path);
  const group = rng.pick(groups);
  const chosen = rows.filter((row) => row[1] === group);
  const total = (some: readonly (readonly string[])[]): number =>
    some.reduce((sum, row) => sum + Number(row[2]), 0);
  const content = text([header, ...rows.map((row) => row.join(","))]);
  const add = "{ s=0; while read -r n; do s=$((s + n)); done; echo $s; }";
  const common = {
    dirs: [],
    fixtures: [{ path: table, content }],
    look: [`head -n 3 ${table}`, `cat ${table}`, `wc -l ${table}`],
    verify: [`cat ${out}`],
    slips: [`cat ${out}`, `head ${table}.csv`],
    terminal: "exit" as const,
  };
  const work = (
    variant: string,
    directives: readonly string[],
    check: string,
    commands: readonly string[],
  ): Work => ({
    ...common,
    variant,
    directive: rng.pick(directives),
    checks: [check, holds(table, content)],
    solutions: commands.map((command, i) =>
      steps(...(i === 1 ? [] : [`? head -n 3 ${table}`]), `${command} > ${out}`, `= cat ${out}`),
    ),
  });
  const intro = rng.pick([
    `The table ${shown} begins with a line of column names.`,
    `${shown} is a CSV file; its first line names the columns.`,
  ]);
  const kind = rng.pick(["sum", "sum", "sum_where", "sum_where", "count_where", "column", "max"]);
  if (kind === "sum")
    return work(
      kind,
      [
        `${intro} Add up the column ${third} and write the sum, alone, to ${out}. Leave the table as it is.`,
        `What is the total of the column ${third} in ${shown} (first line: names)? Put only the number into ${out} and do not change the table.`,
      ],
      isNumber(path, total(rows)),
      [
        `awk -F, 'NR > 1 {s += $3} END {print s}' ${table}`,
        `tail -n +2 ${table} | cut -d, -f3 | ${add}`,
        `sed 1d ${table} | awk -F, '{s += $3} END {print s}'`,
      ],
    );
  if (kind === "sum_where")
    return work(
      kind,
      [
        `${intro} Add up ${third} over the rows whose ${second} is ${group}; write the sum, alone, to ${out}. Leave the table as it is.`,
        `${intro} ${out} must hold one number, the total of ${third} for ${second} ${group}. The table must not change.`,
      ],
      isNumber(path, total(chosen)),
      [
        `awk -F, '$2 == "${group}" {s += $3} END {print s}' ${table}`,
        `grep ',${group},' ${table} | cut -d, -f3 | ${add}`,
      ],
    );
  if (kind === "count_where")
    return work(
      kind,
      [
        `${intro} Count the rows whose ${second} is ${group} and write the number, alone, to ${out}. Leave the table as it is.`,
        `How many rows of ${shown} have ${group} as ${second}? Put the bare number into ${out}; do not change the table.`,
      ],
      isNumber(path, chosen.length),
      [`grep -c ',${group},' ${table}`, `awk -F, '$2 == "${group}"' ${table} | wc -l`],
    );
  if (kind === "column")
    return work(
      kind,
      [
        `${intro} Write the column ${first}, without its name, one value a line and in the same order, to ${out}. Leave the table as it is.`,
        `${out} must hold the values of the column ${first} of ${shown}, a line each, in the order of the table, the line of names left out. The table must not change.`,
      ],
      holds(path, text(rows.map((row) => row[0]))),
      [`tail -n +2 ${table} | cut -d, -f1`, `awk -F, 'NR > 1 {print $1}' ${table}`],
    );
  const greatest = Math.max(...rows.map((row) => Number(row[2])));
  return work(
    kind,
    [
      `${intro} Write the greatest value of the column ${third}, alone, to ${out}. Leave the table as it is.`,
      `What is the greatest number in the column ${third} of ${shown}? Put it, and nothing else, into ${out}; do not change the table.`,
    ],
    isNumber(path, greatest),
    [
      `tail -n +2 ${table} | cut -d, -f3 | sort -n | tail -n 1`,
      `awk -F, 'NR > 1 && $3 + 0 > m {m = $3} END {print m}' ${table}`,
    ],
  );
}
