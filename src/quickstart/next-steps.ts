// What to do when the quickstart is over, as lines that can be typed.

import { basename, isAbsolute, join, relative } from "node:path";
import { embeddedName } from "../embedded/name.ts";
import { names } from "./experiment-text.ts";
import { fold } from "./header.ts";

/** Small enough for a CPU overnight, and known to the method: the pilot of the published run was repeated on it. */
const realBase = "HuggingFaceTB/SmolLM2-135M-Instruct";

/** What the lines name. */
export interface Finished {
  readonly folder: string;
  readonly base: string;
  /** Id of the scenario that was shown. */
  readonly scenario: string | undefined;
  /** Files of the report. */
  readonly report: readonly string[];
  /** How this program is called here. */
  readonly program: string;
}

/** Lines of what can be looked at and done; titles in a column of their own. */
export function nextSteps({ folder, base, scenario, report, program }: Finished, columns: number): string[] {
  const steps: [title: string, line: string][] = [];
  const spec = join(folder, "experiment.yaml");
  if (scenario !== undefined)
    steps.push([
      "be the model",
      `${program} play ${join(folder, "scenarios", names.scenarios)} --id ${scenario}`,
    ]);
  if (base === embeddedName)
    steps.push(["a real base", `${program} quickstart --base ${realBase} --out runs/smollm2`]);
  steps.push(["more seeds", `edit ${spec}, then ${program} experiment run ${spec} --out ${folder}`]);
  const curve = report.find((file) => file.endsWith("loss.svg"));
  const page = report.find((file) => file.endsWith("report.html"));
  if (curve !== undefined) steps.push(["the curve", curve]);
  if (page !== undefined) steps.push(["the report", page]);
  steps.push(["look closer", `${program} view ${folder}`]);
  const width = Math.max(...steps.map(([title]) => title.length));
  return steps.flatMap(([title, line]) =>
    fold(`${title.padEnd(width).replaceAll(" ", "\u00a0")}  ${line}`, columns, width + 2).map((one) =>
      one.replaceAll("\u00a0", " "),
    ),
  );
}

/** How to call the program that runs: `sekft` where the shell finds it, or else its path. */
export function programName(
  executable: string = process.execPath,
  found: (name: string) => string | null = Bun.which,
): string {
  const name = basename(executable);
  // Run from source, by Bun.
  if (!name.startsWith("sekft")) return "sekft";
  if (found(name) === executable) return name;
  const path = relative(process.cwd(), executable);
  return path.startsWith("..") || isAbsolute(path) ? executable : `./${path}`;
}
