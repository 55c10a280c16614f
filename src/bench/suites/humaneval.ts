// HumanEval's problems (Chen et al., arXiv:2107.03374): a function's head to go on from, and `check(candidate)`.

import { DataError } from "../../base/errors.ts";
import { stringField } from "../../data/turn-checks.ts";
import type { CodeProblem } from "../problem.ts";
import { needFields, type Row } from "./rows.ts";

/** What models are asked; results name it, since another wording gives other figures. */
export const humanevalStyle = "chat: complete the function, answer with the whole function in a python fence";

/** Reads one row: `task_id, prompt, entry_point, canonical_solution, test`.
 *  @throws DataError naming the field */
export function readHumanEval(row: Row): CodeProblem {
  needFields(row, "humaneval", ["task_id", "prompt", "entry_point", "canonical_solution", "test"]);
  const { fields, place } = row;
  const text = (name: string) => stringField(fields, name, place);
  const [opening, entryPoint, test] = [text("prompt"), text("entry_point"), text("test")];
  if (!/^[A-Za-z_]\w*$/.test(entryPoint))
    throw new DataError(
      { ...place, field: "entry_point" },
      `expected a function's name, found ${entryPoint}`,
    );
  return {
    kind: "code",
    id: text("task_id"),
    language: "python",
    prompt: `Complete this Python function. Answer with the whole function, imports included, in one \`\`\`python block and nothing else.\n\n\`\`\`python\n${opening.trimEnd()}\n\`\`\``,
    opening,
    closing: "",
    entryPoint,
    tests: `${test}\ncheck(${entryPoint})\n`,
    reference: opening + text("canonical_solution"),
  };
}
