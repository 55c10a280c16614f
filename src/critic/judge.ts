// Every label of one candidate, with the evidence.

import { SekftError } from "../base/errors.ts";
import {
  type Candidate,
  type Evidence,
  type Finding,
  type JudgeSettings,
  LABELS,
  type Label,
  type Labels,
  promptOf,
  responseOf,
} from "./candidate.ts";
import { type Extracted, extract } from "./extract.ts";
import { judgeFormat } from "./format/format.ts";
import { judgeRepetition } from "./repetition.ts";
import type { ProgramRunner } from "./run-program/contract.ts";
import { findSecrets } from "./secrets/find.ts";
import type { SourceFacts } from "./syntax/python.ts";
import { readSource } from "./syntax/read-source.ts";
import { judgeTests } from "./tests.ts";

/** What was found about a candidate. */
export interface Judgement {
  readonly labels: Labels;
  readonly evidence: Evidence;
  readonly language: string;
}

/** Judges `candidate`; without `runner` nothing is run, and what would have been is null.
 *  @throws InfrastructureError when there was no sandbox */
export async function judge(
  candidate: Candidate,
  runner: ProgramRunner | undefined,
  settings: JudgeSettings,
): Promise<Judgement> {
  const extracted = programOf(candidate);
  const { task } = candidate;
  const code = extracted.language === "text" ? undefined : extracted;
  const facts = code && (await readSource(code, runner));
  const findings: Record<Exclude<Label, "accepted">, Finding> = {
    syntax_pass: syntaxFinding(extracted, facts),
    entrypoint_match: entryFinding(task.entryPoint, extracted, facts),
    format_pass: judgeFormat(candidate, extracted),
    no_secret: secretFinding(candidate, settings),
    no_repetition: judgeRepetition(responseOf(candidate), code?.fenced ? code.code : undefined),
    tests_pass: await judgeTests(candidate, extracted, facts, runner, settings),
  };
  const accepted = acceptance(findings, candidate, settings);
  const all: Record<Label, Finding> = { ...findings, accepted };
  return {
    labels: Object.fromEntries(LABELS.map((label) => [label, all[label].value])) as Labels,
    evidence: Object.fromEntries(LABELS.map((label) => [label, all[label].evidence])) as Evidence,
    language: extracted.language,
  };
}

/** The code that is judged; where the prompt begins a function and the response goes on, both together. */
function programOf(candidate: Candidate): Extracted {
  const { task } = candidate;
  const found = extract(responseOf(candidate), task.language ?? languageOfTests(candidate), task.entryPoint);
  if (found.language !== "python" || task.entryPoint === undefined) return found;
  const prompt = promptOf(candidate);
  const heading = new RegExp(`^(async )?def ${RegExp.escape(task.entryPoint)}\\s*\\(`, "m");
  if (!heading.test(prompt) || heading.test(found.code) || !/^([ \t]|\s*$)/.test(found.code)) return found;
  return { ...found, code: prompt + found.code };
}

/** A row of HumanEval says no language; its tests do. */
function languageOfTests({ task }: Candidate): "python" | undefined {
  return /^\s*(assert |def check\()/m.test(task.tests ?? "") ? "python" : undefined;
}

const UNREAD = "nothing here reads";

function syntaxFinding(extracted: Extracted, facts: SourceFacts | undefined): Finding {
  const { language } = extracted;
  if (language === "text" || language === "diff")
    return {
      value: null,
      evidence: language === "text" ? "no code" : "a patch has no syntax of a program; see format_pass",
    };
  if (facts === undefined) return { value: null, evidence: `${UNREAD} ${language}: no sandbox` };
  if (extracted.code.trim() === "") return { value: false, evidence: `no ${language} in the response` };
  return facts.fault === undefined
    ? { value: true, evidence: `${language}, by ${facts.reader}` }
    : { value: false, evidence: `${facts.fault} (${facts.reader})` };
}

function entryFinding(
  name: string | undefined,
  extracted: Extracted,
  facts: SourceFacts | undefined,
): Finding {
  if (name === undefined) return { value: null, evidence: "no name was asked for" };
  if (facts === undefined || extracted.language === "json")
    return { value: null, evidence: `names are not read from ${extracted.language}` };
  if (facts.fault !== undefined) return { value: false, evidence: `no ${name} in what does not parse` };
  // A method is asked for by its class: `Stack.push`.
  const top = name.split(".")[0]!;
  if (facts.names.has(top)) return { value: true, evidence: `defines ${name}` };
  // Offline only plain definitions at the top are seen.
  if (
    facts.reader === "ruff" &&
    new RegExp(`\\b(def|class|as|import)\\s+${RegExp.escape(top)}\\b`).test(extracted.code)
  )
    return { value: null, evidence: `${name} is there, but only CPython tells where` };
  const near = [...facts.names].find(
    (one) => one.toLowerCase().replaceAll("_", "") === top.toLowerCase().replaceAll("_", ""),
  );
  const others = [...facts.names].slice(0, 6).join(", ") || "nothing";
  return { value: false, evidence: `expected ${name}, found ${near ?? others}` };
}

function secretFinding(candidate: Candidate, settings: JudgeSettings): Finding {
  const found = findSecrets(responseOf(candidate), settings.allowedSecrets);
  if (found.length === 0) return { value: true, evidence: "none found" };
  const words = found.map(
    ({ rule, line, shown, sha256 }) => `${rule} on line ${line}: ${shown}, sha256 ${sha256}`,
  );
  return { value: false, evidence: words.slice(0, 5).join("; ") };
}

/** All that was judged is true. What should have been judged and could not be is neither accepted nor refused. */
function acceptance(
  findings: Readonly<Record<Exclude<Label, "accepted">, Finding>>,
  { task }: Candidate,
  settings: JudgeSettings,
): Finding {
  const entries = Object.entries(findings) as [Exclude<Label, "accepted">, Finding][];
  const failed = entries.filter(([, { value }]) => value === false).map(([label]) => label);
  if (failed.length > 0) return { value: false, evidence: failed.join(", ") };
  const missing = settings.required.filter((label) => label !== "accepted" && findings[label].value !== true);
  if (missing.length > 0) return { value: false, evidence: `required and not true: ${missing.join(", ")}` };
  const untold = (task.tests !== undefined || task.cases.length > 0) && findings.tests_pass.value === null;
  if (untold) return { value: null, evidence: `tests_pass: ${findings.tests_pass.evidence}` };
  if (findings.syntax_pass.evidence.startsWith(UNREAD))
    return { value: null, evidence: `syntax_pass: ${findings.syntax_pass.evidence}` };
  if (task.schema !== undefined && findings.format_pass.value === null)
    return { value: null, evidence: `format_pass: ${findings.format_pass.evidence}` };
  return { value: true, evidence: `${entries.filter(([, { value }]) => value === true).length} labels true` };
}

/** What to say of a candidate that could not be judged although it was tried. */
export function unjudged(error: unknown): Judgement {
  const why = error instanceof SekftError ? error.message : String(error);
  const labels = Object.fromEntries(LABELS.map((label) => [label, null])) as Labels;
  return {
    labels,
    evidence: Object.fromEntries(LABELS.map((label) => [label, `could not be judged: ${why}`])) as Evidence,
    language: "text",
  };
}
