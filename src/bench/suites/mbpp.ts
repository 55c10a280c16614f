// MBPP's problems (Austin et al., arXiv:2108.07732), whole or sanitized: a sentence, and assertions.

import { DataError, type Place } from "../../base/errors.ts";
import { arrayField, type Fields, stringField } from "../../data/turn-checks.ts";
import type { CodeProblem } from "../problem.ts";
import { needFields, type Row } from "./rows.ts";

/** What models are asked; results name it, since another wording gives other figures. */
export const mbppStyle = "chat: the task and all its assertions, answer with the code in a python fence";

/** Reads one row: `task_id, text, code, test_list, test_setup_code`, or sanitized: `task_id, prompt, code, test_imports, test_list`.
 *  `challenge_test_list` is not run, as in the published figures.
 *  @throws DataError naming the field */
export function readMbpp(row: Row): CodeProblem {
  needFields(row, "mbpp", ["task_id", "code", "test_list"]);
  const { fields, place } = row;
  const asked = stringField(fields, fields.text === undefined ? "prompt" : "text", place);
  const tests = lines(fields, "test_list", place);
  if (tests.length === 0) throw new DataError({ ...place, field: "test_list" }, "no assertions");
  const { test_imports: imported, test_setup_code: setup } = fields;
  const imports = imported === undefined || imported === null ? [] : lines(fields, "test_imports", place);
  const closing = typeof setup === "string" && setup.trim() !== "" ? `\n${setup.trimEnd()}\n` : "";
  return {
    kind: "code",
    id: typeof fields.task_id === "number" ? String(fields.task_id) : stringField(fields, "task_id", place),
    language: "python",
    prompt: `${asked.trim()}\nThe code must pass these tests:\n\n\`\`\`python\n${tests.join("\n")}\n\`\`\`\n\nAnswer with the code in one \`\`\`python block and nothing else.`,
    opening: "",
    // Beside the answer, not beside the tests: some of it makes objects of classes that only the answer has.
    closing,
    entryPoint: calledFunction(tests),
    tests: `${[...imports, ...tests].join("\n")}\n`,
    reference: stringField(fields, "code", place) + closing,
  };
}

function lines(fields: Fields, name: string, place: Place): string[] {
  return arrayField(fields, name, place).map((value, i) => {
    if (typeof value !== "string")
      throw new DataError({ ...place, field: `${name}[${i}]` }, "expected a string");
    return value;
  });
}

const builtin = new Set(
  "abs all any bool dict float frozenset int isinstance len list max min range round set sorted str sum tuple type zip map filter math isclose not assert".split(
    " ",
  ),
);

/** The function that every assertion calls, where there is exactly one; MBPP names it nowhere else. */
function calledFunction(tests: readonly string[]): string | undefined {
  const called = tests.map(
    (test) => new Set([...test.matchAll(/(?<![\w.])([A-Za-z_]\w*)\s*\(/g)].map(([, name]) => name!)),
  );
  const shared = [...called[0]!].filter(
    (name) => !builtin.has(name) && called.every((names) => names.has(name)),
  );
  return shared.length === 1 ? shared[0] : undefined;
}
