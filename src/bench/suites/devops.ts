// Problems of administration: a small system, a job, and a checker that looks at what is left.

import type { Place } from "../../base/errors.ts";
import { arrayField, complain, type Fields, isFields, kindOf, stringField } from "../../data/turn-checks.ts";
import type { World, WorldFile } from "../../sandbox/contract.ts";
import type { ShellProblem } from "../problem.ts";
import { needFields, type Row } from "./rows.ts";

/** What models are asked; results name it, since another wording gives other figures. */
export const devopsStyle = "chat: one turn, answer with POSIX sh in a sh fence";

/** Reads one row: `id, instruction, files [{path, content, mode?}], dirs? [{path, mode?}], checker, reference`.
 *  @throws DataError naming the field */
export function readDevops(row: Row): ShellProblem {
  needFields(row, "devops", ["id", "instruction", "checker", "reference"]);
  const { fields, place } = row;
  const id = stringField(fields, "id", place);
  const world: World = {
    id: `bench-${id.replace(/[^A-Za-z0-9-]+/g, "-")}`,
    user: "admin",
    host: "box",
    dirs: list(fields, "dirs", place).map((dir, i) => ({
      path: stringField(dir, "path", place, `dirs[${i}].path`),
      ...mode(dir),
    })),
    fixtures: list(fields, "files", place).map(
      (file, i): WorldFile => ({
        path: stringField(file, "path", place, `files[${i}].path`),
        content: stringField(file, "content", place, `files[${i}].content`),
        ...mode(file),
      }),
    ),
    env: {},
    provider: { path: "/usr/local/bin/about", script: "#!/bin/sh\necho box\n" },
    announcement: { kind: "motd", login: "" },
  };
  return {
    kind: "shell",
    id,
    prompt: `You administer a small Linux system as the user admin, with a POSIX sh and busybox. ${stringField(fields, "instruction", place)}\n\nAnswer with the commands in one \`\`\`sh block and nothing else.`,
    world,
    checker: stringField(fields, "checker", place),
    reference: stringField(fields, "reference", place),
  };
}

function list(fields: Fields, name: string, place: Place): Fields[] {
  if (fields[name] === undefined) return [];
  return arrayField(fields, name, place).map((value, i) => {
    if (!isFields(value)) complain(place, `${name}[${i}]`, `expected an object, found ${kindOf(value)}`);
    return value;
  });
}

function mode(fields: Fields): { mode?: string } {
  return typeof fields.mode === "string" ? { mode: fields.mode } : {};
}
