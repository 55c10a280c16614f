// Strings jobs together to one session: who speaks, what is typed, which word ends a job. Outputs are filled in by execution.

import { fileJobs, impossibleJobs } from "./file-jobs.ts";
import type { Job } from "./job.ts";
import { namedProgramJob, shownProgramJob, variableProgramJob } from "./named-program-jobs.ts";
import { anyWord, type Draw, drawFrom, madeUpWord, userName } from "./names.ts";
import { textJobs } from "./text-jobs.ts";
import { usageJob } from "./usage-jobs.ts";

/** A session before it is run. */
export interface Script {
  readonly seed: number;
  readonly user: string;
  readonly host: string;
  readonly env: Readonly<Record<string, string>>;
  /** Text above the first request; may be empty. */
  readonly opening: string;
  readonly jobs: readonly {
    readonly job: Job;
    readonly request: string;
    readonly answer: string | undefined;
  }[];
}

const doneWords = ["done", "ok", "ready", "finished", "done.", "all set"];
const impossibleWord = "cannot";

/** What the assistant says when a piece of work is over. */
export const endingWords: ReadonlySet<string> = new Set([...doneWords, impossibleWord]);

function makeJob(draw: Draw, user: string): Job {
  const kind = draw.next();
  if (kind < 0.08) return usageJob(draw, user);
  if (kind < 0.2) return namedProgramJob(draw, user);
  if (kind < 0.3) return variableProgramJob(draw, user);
  if (kind < 0.42) return shownProgramJob(draw, user);
  if (kind < 0.47) return draw.pick(impossibleJobs)(draw, user);
  if (kind < 0.6) return draw.pick(fileJobs)(draw, user);
  return draw.pick(textJobs)(draw, user);
}

/** A first try with a slip of the finger in its path, now and then. */
function withSlips(draw: Draw, job: Job): Job {
  if (job.impossible || !draw.chance(0.07)) return job;
  const at = job.commands.findIndex((command) => /^(cat|head|sort|grep|wc|cp) .*\/[a-z.]+$/.test(command));
  if (at < 0) return job;
  const command = job.commands[at]!;
  const slip = draw.chance(0.5) ? `${command}s` : command.replace(/\/([^/]*)$/, "/x$1");
  const dir = /(\S*)\/[^/]*$/.exec(command)![1]!;
  const looks = dir === "" || dir === "~" ? [] : [`ls ${dir}`];
  return { ...job, commands: [...job.commands.slice(0, at), slip, ...looks, ...job.commands.slice(at)] };
}

const leads = ["", "", "", "", "", "Next: ", "Now: ", "Then: ", "> ", "* "];

/** The session of a seed. */
export function makeScript(seed: number): Script {
  const draw = drawFrom(seed * 2654435761 + 12345);
  const user = userName(draw);
  const host = draw.chance(0.6) ? "sek" : anyWord(draw);
  const speaks = draw.chance(0.65);
  const doneWord = draw.pick(doneWords);
  const lead = draw.pick(leads);
  const count = draw.pick([1, 2, 2, 3, 3, 4, 5, 6]);
  const system = `${draw.chance(0.8) ? "sek 0.1.0" : `${madeUpWord(draw)} ${draw.int(0, 9)}.${draw.int(0, 9)}`} host: ${host} user: ${user} shell: /bin/dash`;
  const greeting = draw.pick([
    "",
    "",
    `Hello ${user}.`,
    `Welcome, ${user}.`,
    `Good morning, ${user}.`,
    `${anyWord(draw)} ${anyWord(draw)}`,
  ]);
  const jobs = Array.from({ length: count }, () => withSlips(draw, makeJob(draw, user)));
  const openings = jobs.flatMap((job) => job.opening ?? []);
  const opening = [draw.chance(0.75) ? system : "", greeting, ...openings].filter(Boolean).join("\n");
  return {
    seed,
    user,
    host,
    opening,
    env: Object.assign({}, ...jobs.map((job) => job.env ?? {})),
    jobs: jobs.map((job) => ({
      job,
      request: lead + job.text,
      answer: speaks ? (job.impossible ? impossibleWord : doneWord) : undefined,
    })),
  };
}

/** What a command printed, and where the session was afterwards. */
export interface Ran {
  readonly output: string;
  readonly directory: string;
  readonly status: number;
}

/** Work that can be done was done: the last command of each job succeeded (a count of nothing is no failure). */
export function wentWell(script: Script, results: readonly Ran[]): boolean {
  let at = 0;
  return script.jobs.every(({ job }) => {
    at += job.commands.length;
    return job.impossible || results[at - 1]!.status === 0 || job.commands.at(-1)!.startsWith("grep -c");
  });
}

export interface SessionDocument {
  readonly seed: number;
  readonly kinds: readonly string[];
  readonly turns: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
}

/** The text of a session whose commands have run; `results` in the order of the commands. */
export function render(script: Script, results: readonly Ran[]): SessionDocument {
  const turns: { role: "user" | "assistant"; content: string }[] = [];
  const home = `/home/${script.user}`;
  const prompt = (directory: string) =>
    `${script.user}@${script.host}:${directory === home || directory.startsWith(`${home}/`) ? `~${directory.slice(home.length)}` : directory}$ `;
  let screen = script.opening === "" ? "" : `${script.opening}\n`;
  let directory = home;
  let at = 0;
  const act = (content: string) => {
    turns.push({ role: "user", content: screen + prompt(directory) }, { role: "assistant", content });
    screen = "";
  };
  for (const { job, request, answer } of script.jobs) {
    screen += `${request}\n`;
    for (const command of job.commands) {
      act(command);
      const ran = results[at++]!;
      screen = ran.output === "" || ran.output.endsWith("\n") ? ran.output : `${ran.output}\n`;
      directory = ran.directory;
    }
    if (answer !== undefined) act(answer);
  }
  return { seed: script.seed, kinds: script.jobs.map(({ job }) => job.kind), turns };
}
