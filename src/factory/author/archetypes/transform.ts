// Copies of a file that differ from it: transformed, sorted, cut.

import type { Seat } from "../seat.ts";
import { holds, text } from "../sh.ts";
import { type Solution, steps, type Work } from "../work.ts";

interface Change {
  readonly variant: string;
  /** What the new file holds, in words; more than one way to say it. */
  readonly words: readonly string[];
  readonly want: readonly string[];
  /** Commands that print it; `SRC` is the file read. */
  readonly commands: readonly string[];
}

/** A work that reads one file and writes another. */
function derived(
  seat: Seat,
  lines: readonly string[],
  change: Change,
  endings: readonly [string, string],
): Work {
  const { rng } = seat;
  const directory = seat.place();
  const elsewhere = seat.difficulty > 1 && rng.chance(0.4);
  const source = `${directory}/${seat.word()}.${endings[0]}`;
  const target = `${elsewhere ? seat.home : directory}/${seat.word()}.${endings[1]}`;
  const [from, to] = [seat.spelled(source), seat.spelled(target)];
  const words = rng.pick(change.words);
  const directive = rng.pick([
    `Write to ${to} what is in ${from}: ${words}. Leave the original as it is.`,
    `Read ${from} and make of it the file ${to}, which holds ${words}. ${from} itself must not change.`,
    `${to} is missing. It must hold ${words}, taken from ${from}; that file stays as it is.`,
    `From ${from} derive ${to}: ${words}. Do not change ${from}.`,
  ]);
  const name = source.slice(directory.length + 1);
  const run = (command: string, path: string): string => command.replaceAll("SRC", path);
  const solutions: Solution[] = change.commands.map((command, i) =>
    i === 0
      ? steps(`? cat ${source}`, `${run(command, source)} > ${target}`, `= cat ${target}`)
      : steps(`${run(command, source)} > ${target}`, `= cat ${target}`),
  );
  solutions.push(
    steps(`cd ${directory}`, "? ls", `${run(change.commands[0]!, name)} > ${target}`, `= cat ${target}`),
  );
  return {
    variant: change.variant,
    directive,
    dirs: [],
    fixtures: [
      { path: source, content: text(lines) },
      ...seat
        .take(seat.difficulty - 1)
        .map((word) => ({ path: `${directory}/${word}.${endings[0]}`, content: `${word}\n` })),
    ],
    checks: [holds(target, text(change.want)), holds(source, text(lines))],
    solutions,
    look: [`cat ${source}`, `head -n 3 ${source}`, `ls ${directory}`, `wc -l ${source}`],
    verify: [`cat ${target}`, `wc -l ${target}`, `ls -l ${directory}`, `grep -c . ${target}`],
    slips: [`cat ${source}s`, `cat ${target}`],
    terminal: "exit",
  };
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A changed copy of a list of words. */
export function fileTransform(seat: Seat): Work {
  const { rng } = seat;
  const lines = seat.take(rng.int(4, 6 + seat.difficulty));
  lines.push(lines[0]!, rng.pick(lines));
  const mark = rng.pick(["- ", "> ", "* ", "item "]);
  const change = rng.pick<Change>([
    {
      variant: "sort",
      words: ["its lines sorted alphabetically", "the same lines in alphabetical order"],
      want: [...lines].sort(byBytes),
      commands: ["sort SRC", "cat SRC | sort"],
    },
    {
      variant: "upper",
      words: ["the same text in upper case", "its text in capital letters"],
      want: lines.map((line) => line.toUpperCase()),
      commands: ["tr a-z A-Z < SRC", "tr '[:lower:]' '[:upper:]' < SRC", "awk '{print toupper($0)}' SRC"],
    },
    {
      variant: "reverse",
      words: ["its lines in reverse order", "the same lines, the last one first"],
      want: [...lines].reverse(),
      commands: ["tac SRC", "sed '1!G;h;$!d' SRC"],
    },
    {
      variant: "number",
      words: [
        "each line numbered from 1, as NUMBER:LINE",
        "its lines, each with its number and a colon in front, as in 1:first",
      ],
      want: lines.map((line, i) => `${i + 1}:${line}`),
      commands: [`awk '{print NR ":" $0}' SRC`, "grep -n '' SRC"],
    },
    {
      variant: "prefix",
      words: [`its lines, each with '${mark}' in front`, `every line of it after the mark '${mark}'`],
      want: lines.map((line) => `${mark}${line}`),
      commands: [`sed 's/^/${mark}/' SRC`, `awk '{print "${mark}" $0}' SRC`],
    },
    {
      variant: "join",
      words: [
        "all its lines as one line, with a comma between them and none at the end",
        "its lines joined by commas into a single line",
      ],
      want: [lines.join(",")],
      commands: ["paste -s -d , SRC", `awk '{printf "%s%s", (NR > 1 ? "," : ""), $0} END {print ""}' SRC`],
    },
  ]);
  return derived(seat, lines, change, [rng.pick(["txt", "list", "in"]), "out"]);
}

/** The first, last or middle lines of a file. */
export function headTail(seat: Seat): Work {
  const { rng } = seat;
  const lines = Array.from(
    { length: rng.int(7, 9 + 3 * seat.difficulty) },
    (_, i) => `${i + 1} ${rng.pick(["day", "row", "step", "item", "part"])} ${rng.int(100, 999)}`,
  );
  const count = rng.int(2, 4);
  const from = rng.int(2, 4);
  const to = from + rng.int(1, 2);
  const change = rng.pick<Change>([
    {
      variant: "head",
      words: [`its first ${count} lines`, `only the first ${count} lines`],
      want: lines.slice(0, count),
      commands: [`head -n ${count} SRC`, `sed -n '1,${count}p' SRC`, `awk 'NR <= ${count}' SRC`],
    },
    {
      variant: "tail",
      words: [`its last ${count} lines, in the same order`, `only the last ${count} lines`],
      want: lines.slice(-count),
      commands: [`tail -n ${count} SRC`, `tac SRC | head -n ${count} | tac`],
    },
    {
      variant: "nth",
      words: [`line number ${from} and nothing else`, `only its line ${from}, counted from 1`],
      want: [lines[from - 1]!],
      commands: [`sed -n '${from}p' SRC`, `head -n ${from} SRC | tail -n 1`, `awk 'NR == ${from}' SRC`],
    },
    {
      variant: "range",
      words: [`its lines ${from} to ${to}`, `lines number ${from} to ${to} (both included)`],
      want: lines.slice(from - 1, to),
      commands: [`sed -n '${from},${to}p' SRC`, `head -n ${to} SRC | tail -n ${to - from + 1}`],
    },
    {
      variant: "rest",
      words: [`everything but its first ${count} lines`, `all lines after the first ${count}`],
      want: lines.slice(count),
      commands: [`tail -n +${count + 1} SRC`, `sed '1,${count}d' SRC`],
    },
  ]);
  return derived(seat, lines, change, [rng.pick(["txt", "log", "list"]), rng.pick(["part", "cut", "out"])]);
}

/** Lines sorted by number or column, or without duplicates, or counted. */
export function sortUnique(seat: Seat): Work {
  const { rng } = seat;
  const words = seat.take(rng.int(4, 5 + seat.difficulty));
  const numbers = rng.sample(
    Array.from({ length: 180 }, (_, i) => 3 + 7 * i),
    words.length,
  );
  const pairs = words.map((word, i) => `${word} ${numbers[i]}`);
  const repeated = rng.shuffle([...words, ...words.slice(0, 3), words[0]!]);
  const second = (line: string): number => Number(line.split(" ")[1]);
  const ascending = [...pairs].sort((a, b) => second(a) - second(b));
  const counts = [...new Set(repeated)]
    .sort(byBytes)
    .map((word) => `${repeated.filter((other) => other === word).length} ${word}`);
  const [lines, change] = rng.pick<readonly [readonly string[], Change]>([
    [
      numbers.map(String),
      {
        variant: "numeric",
        words: ["its numbers sorted by value, the smallest first", "the same numbers in rising order"],
        want: numbers.toSorted((a, b) => a - b).map(String),
        commands: ["sort -n SRC", "cat SRC | sort -n"],
      },
    ],
    [
      pairs,
      {
        variant: "column",
        words: [
          "its lines sorted by the number in the second column, the smallest first",
          "its lines in rising order of their second field, which is a number",
        ],
        want: ascending,
        commands: ["sort -k2 -n SRC", "sort -n -k 2,2 SRC"],
      },
    ],
    [
      pairs,
      {
        variant: "column_reverse",
        words: [
          "its lines sorted by the number in the second column, the greatest first",
          "its lines in falling order of their second field, which is a number",
        ],
        want: [...ascending].reverse(),
        commands: ["sort -k2 -n -r SRC", "sort -n -k 2,2 SRC | tac"],
      },
    ],
    [
      repeated,
      {
        variant: "unique",
        words: ["its lines sorted, each line only once", "every different line once, in alphabetical order"],
        want: [...new Set(repeated)].sort(byBytes),
        commands: ["sort -u SRC", "sort SRC | uniq"],
      },
    ],
    [
      repeated,
      {
        variant: "count",
        words: [
          "for every different line one line COUNT WORD (how often it comes, a blank, the word), sorted by word",
          "how often each word comes in it: lines of the form COUNT WORD, in alphabetical order of the words",
        ],
        want: counts,
        commands: [
          "sort SRC | uniq -c | awk '{print $1, $2}'",
          "awk '{n[$1]++} END {for (w in n) print n[w], w}' SRC | sort -k2",
        ],
      },
    ],
    [
      repeated,
      {
        variant: "repeated",
        words: [
          "the words that come more than once in it, each once, sorted",
          "every word that it holds at least twice, each on one line, alphabetically",
        ],
        want: [...new Set(repeated.filter((word, i) => repeated.indexOf(word) !== i))].sort(byBytes),
        commands: ["sort SRC | uniq -d", "awk '{if (++n[$1] == 2) print $1}' SRC | sort"],
      },
    ],
  ]);
  return derived(seat, lines, change, [
    rng.pick(["txt", "list", "dat"]),
    rng.pick(["sorted", "out", "result"]),
  ]);
}
