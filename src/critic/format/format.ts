// Whether a response has the form that was asked for: JSON and its schema, a patch that applies, no fences, no stop tokens.

import { judgePatch } from "../../bench/diff/apply-patch.ts";
import type { Candidate, Finding } from "../candidate.ts";
import { promptOf, responseOf } from "../candidate.ts";
import { type Extracted, fencesOf } from "../extract.ts";
import { jsonFault } from "../syntax/read-source.ts";
import { checkSchema } from "./schema.ts";

/** What chat templates end and begin turns with; a response that holds one was cut wrongly. */
const TURN_TOKENS =
  /<\|(?:im_start|im_end|endoftext|eot_id|eom_id|end_of_text|begin_of_text|start_header_id|end_header_id|end|user|assistant|system|fim_\w+|file_sep|python_tag)\|>|<\/?s>(?=\s*$)|<(?:start_of_turn|end_of_turn|bos|eos|pad)>|\[\/?INST\]|<<\/?SYS>>|<\uff5c[^\uff5c>]{1,40}\uff5c>/;

/** A turn of somebody else that a model went on to write. */
const NEXT_TURN =
  /^(?:###\s*(?:Instruction|Response|User|Human|Input)s?:|(?:Human|User|Assistant|USER|ASSISTANT): ?)/m;

/** Judges the form of `candidate`; `extracted` is its code. */
export function judgeFormat(candidate: Candidate, extracted: Extracted): Finding {
  const response = responseOf(candidate);
  const { task } = candidate;
  const passed: string[] = [];
  const failed = (evidence: string): Finding => ({ value: false, evidence });
  if (response.trim() === "") return failed("an empty response");
  // A token that the prompt speaks of may be spoken of in the answer, too.
  const token = TURN_TOKENS.exec(response)?.[0] ?? turnIn(response, extracted);
  if (token !== undefined && !promptOf(candidate).includes(token))
    return failed(`the stop token ${JSON.stringify(token)}`);
  const stop = task.stop.find((one) => one !== "" && response.includes(one));
  if (stop !== undefined) return failed(`the stop token ${JSON.stringify(stop)}`);
  const fences = judgeFences(candidate, extracted);
  if (fences?.value === false) return fences;
  if (fences !== undefined) passed.push(fences.evidence);
  if (extracted.language === "json" && (task.language === "json" || task.schema !== undefined)) {
    const fault = jsonFault(extracted.code);
    if (fault !== undefined) return failed(`not JSON: ${fault}`);
    passed.push("JSON");
    if (task.schema !== undefined) {
      const verdict = checkSchema(task.schema, JSON.parse(extracted.code));
      if (verdict.kind === "no_schema")
        return { value: null, evidence: `the schema cannot be used: ${verdict.reason}` };
      if (verdict.kind === "invalid") return failed(`not of its schema: ${verdict.reason}`);
      passed.push("of its schema");
    }
  }
  if (extracted.language === "diff" && (task.language === "diff" || Object.keys(task.files).length > 0)) {
    const verdict = judgePatch(extracted.code, task.files);
    if (!verdict.parses) return failed(`not a unified diff: ${verdict.reason}`);
    passed.push("a unified diff");
    if (Object.keys(task.files).length > 0) {
      if (!verdict.strict) return failed(`does not apply strictly: ${verdict.reason}`);
      passed.push("applies strictly");
    }
  }
  return passed.length > 0
    ? { value: true, evidence: passed.join(", ") }
    : { value: null, evidence: "no form was asked for" };
}

/** Somebody else's turn in prose; in a program such a line is its own. */
function turnIn(response: string, extracted: Extracted): string | undefined {
  if (extracted.language === "text") return NEXT_TURN.exec(response)?.[0];
  return extracted.fenced ? NEXT_TURN.exec(response.replace(/^(```|~~~)[\s\S]*?^\1/gm, ""))?.[0] : undefined;
}

const NO_FENCES =
  /\b(?:no|without|not use|don't use|omit|avoid)\s+(?:any\s+)?(?:markdown|(?:code\s+|backtick\s+|triple\s+)?(?:fences?|backticks|blocks?))|\bonly\s+(?:the\s+|a\s+|valid\s+|raw\s+)*(?:code|json|diff|patch|function|script|program|python|object|command|unified diff)\b|\b(?:raw|plain|bare)\s+(?:code|json|diff|text|python|output|patch)\b|\b(?:code|json|diff|patch|function|command)\s+only\b|\bnothing else\b|\bnothing but\b/i;
const FENCES =
  /```|~~~|\b(?:in|inside|within|with|as|using)\s+(?:a\s+|one\s+|single\s+|the\s+)*(?:fenced\s+|markdown\s+|code\s+|python\s+|json\s+)*(?:code\s+)?(?:fences?|blocks?)\b|\b(?:fenced|markdown)\s+(?:code\s+)?block/i;

/** What the candidate's row or prompt says about fences. */
function fencesWanted(candidate: Candidate): "none" | "allowed" | "required" | undefined {
  if (candidate.task.fences !== undefined) return candidate.task.fences;
  const text = candidate.messages
    .filter(({ role }) => role !== "assistant")
    .map(({ content }) => content)
    .join("\n");
  if (NO_FENCES.test(text)) return "none";
  return FENCES.test(text) ? "allowed" : undefined;
}

/** Fences where none were asked; `undefined` where it does not matter. */
function judgeFences(candidate: Candidate, extracted: Extracted): Finding | undefined {
  const { task } = candidate;
  const wanted = fencesWanted(candidate);
  const asksForCode = task.language !== undefined && task.language !== "text";
  const fences = extracted.language === "text" ? [] : fencesOf(responseOf(candidate));
  const open = fences.find(({ closed }) => !closed);
  if (open !== undefined && extracted.fenced)
    return { value: false, evidence: "a fence that is never closed" };
  if (wanted === "required")
    return extracted.fenced
      ? { value: true, evidence: "in a fence, as asked" }
      : { value: false, evidence: "no fence where one was asked for" };
  if (wanted === "allowed") return { value: true, evidence: "fences were allowed" };
  // A conversation that shows some code is Markdown; only a task for code has a bare form.
  if (!asksForCode && wanted === undefined && task.tests === undefined && task.entryPoint === undefined)
    return undefined;
  return extracted.fenced
    ? { value: false, evidence: "a fence where none was asked for" }
    : { value: true, evidence: "no fences" };
}
