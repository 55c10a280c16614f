// The benchmarks by name: how their rows are read, and the problems that ship with the program.

import { statSync } from "node:fs";
import { closest, DataError, UserError } from "../../base/errors.ts";
import { stringField } from "../../data/turn-checks.ts";
import type { Problem, ProblemSet } from "../problem.ts";
import devopsText from "../samples/devops.jsonl" with { type: "text" };
import diffText from "../samples/diff.jsonl" with { type: "text" };
import humanevalText from "../samples/humaneval.jsonl" with { type: "text" };
import jsonText from "../samples/json.jsonl" with { type: "text" };
import mbppText from "../samples/mbpp.jsonl" with { type: "text" };
import smokeText from "../samples/smoke.jsonl" with { type: "text" };
import { devopsStyle, readDevops } from "./devops.ts";
import { diffStyle, readDiffProblem } from "./diff-problems.ts";
import { humanevalStyle, readHumanEval } from "./humaneval.ts";
import { jsonStyle, readJsonProblem } from "./json-problems.ts";
import { mbppStyle, readMbpp } from "./mbpp.ts";
import { problemFiles } from "./problem-files.ts";
import { needFields, type Row, refuseTwins, rowsOfFiles, rowsOfText } from "./rows.ts";

interface Suite {
  readonly read: (row: Row) => Problem;
  /** A column that a Parquet file of it has. */
  readonly column: string;
  readonly style: string;
  readonly text: string;
}

const kinds = {
  humaneval: readHumanEval,
  mbpp: readMbpp,
  json: readJsonProblem,
  diff: readDiffProblem,
  devops: readDevops,
};

/** A row of a mixed file says which benchmark's shape it has. */
function readMixed(row: Row): Problem {
  needFields(row, "smoke", ["shape"]);
  const known = Object.keys(kinds) as (keyof typeof kinds)[];
  const word = stringField(row.fields, "shape", row.place);
  const shape = known.find((name) => name === word);
  if (shape !== undefined) return kinds[shape](row);
  const near = closest(word, known);
  throw new DataError(
    { ...row.place, field: "shape" },
    `expected one of ${known.join(", ")}, got ${word}`,
    near === undefined ? {} : { hint: `did you mean ${near}?` },
  );
}

const suites = {
  smoke: {
    read: readMixed,
    column: "shape",
    style: "chat: as the benchmark of each problem",
    text: smokeText,
  },
  humaneval: {
    read: readHumanEval,
    column: "canonical_solution",
    style: humanevalStyle,
    text: humanevalText,
  },
  mbpp: { read: readMbpp, column: "test_list", style: mbppStyle, text: mbppText },
  json: { read: readJsonProblem, column: "prompt", style: jsonStyle, text: jsonText },
  diff: { read: readDiffProblem, column: "instruction", style: diffStyle, text: diffText },
  devops: { read: readDevops, column: "checker", style: devopsStyle, text: devopsText },
} as const satisfies Readonly<Record<string, Suite>>;

export type BenchmarkName = keyof typeof suites;

/** All benchmarks, in the order of `all`. */
const benchmarkNames = Object.keys(suites) as BenchmarkName[];

/** The benchmarks that a word means.
 *  @throws UserError with a suggestion */
export function namedBenchmarks(word: string): readonly BenchmarkName[] {
  if (word === "all") return benchmarkNames;
  const name = benchmarkNames.find((one) => one === word);
  if (name !== undefined) return [name];
  const known = [...benchmarkNames, "all"];
  const near = closest(word, known);
  throw new UserError(`bench: expected one of ${known.join(", ")}, got ${word}`, {
    ...(near && { hint: `did you mean ${near}?` }),
  });
}

/** The problems of a benchmark, from a file or a folder of files, or those that ship.
 *  @throws UserError, DataError naming file, line and field */
export async function readProblems(name: BenchmarkName, path: string | undefined): Promise<ProblemSet> {
  const { read, column, style, text } = suites[name] as Suite;
  const files = path === undefined ? [] : filesOf(path);
  const { rows, hash } =
    path === undefined ? rowsOfText(text, `${name}.jsonl`) : await rowsOfFiles(files, column);
  const problems = rows.map(read);
  refuseTwins(problems, rows);
  const file = files.length === 1 ? files[0]! : path;
  return { problems, file: file ?? null, hash, promptStyle: style };
}

function filesOf(path: string): readonly string[] {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? problemFiles(path) : [path];
}
