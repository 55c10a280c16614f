// Where documented lines are run: what lies in a page's folder before its first line, what is rewritten in a line, and which
// lines are not run, with the reason.

import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeTalkingBase, tinyAdapter } from "../serve/tiny-base.ts";
import { writeEval, writeTrain } from "../view/sample-runs.ts";
import { root } from "./documents.ts";

/** Paths that pages name -> what stands there. Everything else a page must make itself. */
type Props = Readonly<Record<string, (path: string) => void>>;

/** A random Llama of two layers with a tokenizer of bytes, in place of any base. */
export function tinyBase(path: string): void {
  cpSync(makeTalkingBase(join(path, "..", ".make")), path, { recursive: true });
  const file = join(path, "config.json");
  const config = JSON.parse(readFileSync(file, "utf8"));
  // A byte is a token here, so that a session takes more of them than the goldens have.
  writeFileSync(file, JSON.stringify({ ...config, max_position_embeddings: 4096 }));
}

const golden = join(root, "test/golden");
const corpus = (name: string) =>
  new TextDecoder()
    .decode(Bun.gunzipSync(readFileSync(join(golden, "corpus", `${name}.jsonl.gz`))))
    .trim()
    .split("\n");

/** Real sessions. */
export function sessions(path: string): void {
  const rows = corpus("trajectories").slice(0, 16);
  if (path.endsWith(".jsonl")) writeFileSync(path, rows.map((row) => `${row}\n`).join(""));
  else {
    mkdirSync(path);
    for (const [i, row] of rows.entries()) writeFileSync(join(path, `${i}.json`), row);
  }
}

/** Real sessions, each beside one of the same scenario that left too early. */
function keptAndRejected(path: string): void {
  mkdirSync(path);
  const rows = corpus("trajectories")
    .slice(0, 4)
    .flatMap((row) => {
      const kept = JSON.parse(row);
      const first = kept.turns.findIndex(({ role }: { role: string }) => role === "assistant");
      const turns = [...kept.turns.slice(0, first), { role: "assistant", content: "exit" }];
      const rejected = {
        ...kept,
        id: `${kept.id}-left`,
        turns,
        outcome: "premature_exit",
        verified: false,
        keep: false,
      };
      return [kept, rejected];
    });
  writeFileSync(join(path, "trajectories.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** Two scenarios of kinds of work that the built-in operator's data do not hold. */
export function heldOut(path: string): void {
  mkdirSync(path);
  for (const name of ["permissions-000.json", "text_replace-000.json"])
    cpSync(join(golden, "corpus/holdout", name), join(path, name));
}

/** Rows whose words are their own. */
function talks(path: string): void {
  const words = (from: number) =>
    Array.from({ length: 40 }, (_, i) => `w${(from * 40 + i).toString(36)}`).join(" ");
  const name = path.replace(/^.*\/|\W/g, "");
  const rows = Array.from({ length: 40 }, (_, i) => ({
    messages: [
      { role: "user", content: `${name} ${words(2 * i)}` },
      { role: "assistant", content: words(2 * i + 1).replaceAll("w", name) },
    ],
  }));
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** A benchmark in HumanEval's shape. */
function benchmark(path: string): void {
  const prompt =
    'def doubled(numbers):\n    """Each number of the list twice as large, in the same order as before."""\n';
  const item = {
    task_id: "Own/0",
    prompt,
    entry_point: "doubled",
    canonical_solution: "    return [2 * n for n in numbers]\n",
  };
  writeFileSync(path, `${JSON.stringify(item)}\n`);
}

const humanEval = join(root, "src/bench/samples/humaneval.jsonl");

/** Completions of HumanEval's shape that are right. */
function completions(path: string): void {
  const rows = readFileSync(humanEval, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const answers = rows.map(({ task_id, canonical_solution: completion }) => ({ task_id, completion }));
  writeFileSync(path, answers.map((one) => `${JSON.stringify(one)}\n`).join(""));
}

function candidates(path: string): void {
  const asked = { language: "python", entry_point: "twice", tests: "assert twice(2) == 4" };
  const rows = [1, 2, 3, 4].map((id) => ({
    id,
    prompt: "Write twice.",
    response: `def twice(x):\n    return x * 2  # ${id}\n`,
  }));
  writeFileSync(path, rows.map((row) => `${JSON.stringify({ ...row, ...asked })}\n`).join(""));
}

const adapter = (path: string) => cpSync(tinyAdapter, path, { recursive: true });

function tokenIds(path: string): void {
  const ids = Array.from({ length: 24 }, (_, i) => 5 + ((7 * i) % 200));
  writeFileSync(path, JSON.stringify([{ input_ids: ids, labels: ids }]));
}

function canaries(path: string): void {
  writeFileSync(
    path,
    `${JSON.stringify({ prefix: "the word of the day is ", secret: "tulip-4711-marble" })}\n`,
  );
}

const smollm2 = { "SmolLM2-135M-Instruct": tinyBase };

/** Page -> what lies in its folder. */
export const props: Readonly<Record<string, Props>> = {
  "docs/bench.md": {
    base: tinyBase,
    ckpt: adapter,
    "HumanEval.jsonl": (path) => cpSync(humanEval, path),
    "samples.jsonl": completions,
  },
  "docs/critic.md": { base: tinyBase, "candidates.jsonl": candidates },
  "docs/eval.md": { base: tinyBase, ckpt: adapter, holdout: heldOut },
  "docs/experiment.md": { ...smollm2 },
  "docs/factory.md": { base: tinyBase },
  "docs/mask.md": { ...smollm2, "trajectories.jsonl": sessions },
  "docs/method.md": { "Mistral-7B-Instruct-v0.2": tinyBase },
  "docs/mix.md": {
    base: tinyBase,
    "code.jsonl": talks,
    "edits.jsonl": talks,
    "more-edits.jsonl": talks,
    "tools.jsonl": talks,
    trajectories: sessions,
    "chat.jsonl": talks,
    "HumanEval.jsonl": benchmark,
    holdout: heldOut,
  },
  "docs/probe.md": { base: tinyBase, ckpt: adapter, "rows.jsonl": sessions, "planted.jsonl": canaries },
  "docs/quickstart.md": { "runs/quickstart": (path) => writeTrain(path, 10) },
  "docs/serving.md": { "Mistral-7B": tinyBase, ckpt: adapter, trajectories: sessions },
  "docs/terminals.md": {
    ...smollm2,
    "other-base": tinyBase,
    trajectories: sessions,
    holdout: heldOut,
  },
  "docs/training.md": {
    ...smollm2,
    "trajectories.jsonl": sessions,
    rollouts: keptAndRejected,
    sft: adapter,
    start: adapter,
    "rows.json": tokenIds,
  },
  "docs/view.md": {
    ...smollm2,
    ckpt: (path) => writeTrain(path, 10),
    results: (path) => void writeEval(path),
    "rows.jsonl": sessions,
  },
  "examples/README.md": {
    BASE: tinyBase,
    examples: (path) => cpSync(join(root, "examples"), path, { recursive: true }),
  },
};

/** Something in a documented line -> what is run, and why it is rewritten. Sizes and paths only. */
export const substitutions: readonly { readonly from: RegExp; readonly to: string; readonly why: string }[] =
  [
    { from: / --(n|holdout-n) \d+\b/g, to: " --$1 1", why: "one scenario takes seconds" },
    {
      from: /^(sekft (?:author|rollout|eval|play|sandbox check)(?! compare)\b.*)$/,
      to: "$1 --sandbox bubblewrap",
      why: "the same worlds on every machine; Docker has tests of its own",
    },
    {
      from: /^(sekft sandbox check\b.*)$/,
      to: "$1 --only 'execution,terminals'",
      why: "the whole suite has a test of its own",
    },
    {
      from: /^(sekft train\b(?!.*--(?:resident|inspect)).*)$/,
      to: "$1 --max-steps 2 --gradient-accumulation-steps 1",
      why: "two steps",
    },
    { from: /layers:20-29/, to: "layers:1", why: "the base has two layers" },
    {
      from: /^(sekft probe .*)$/,
      to: "$1 --max-tokens 8 || [ $? = 1 ]",
      why: "a random model misses the thresholds, which is exit 1",
    },
    { from: /^(sekft train\b.*--resident.*)$/, to: "$1 --max-steps 2", why: "two steps" },
    {
      from: /^(sekft bench .*)$/,
      to: "$1 --sandbox bubblewrap --max-tokens 8 --ctx-budget 3000",
      why: "a random base has nothing to say",
    },
    { from: /^(sekft generate\b.*)$/, to: "$1 --max-tokens 8", why: "eight tokens" },
    {
      from: /^(sekft eval --(?!.*--url).*)$/,
      to: "$1 --max-steps 2 --max-tokens 8",
      why: "a random base has nothing to say",
    },
    {
      from: / --model tuned\b/,
      to: " --model replays",
      why: "the operator of the scripted endpoint that plays the reference",
    },
    { from: / \.\/model\.gguf\b/, to: " ./SmolLM2-135M-Instruct", why: "no tiny GGUF file has a tokenizer" },
    {
      from: /^(sekft plan\b.*)$/,
      to: "$1 --no-measure",
      why: "the measurement has tests of its own, and takes a minute for a 7B shape",
    },
    {
      from: /^sekft doctor --bench$/,
      to: "sekft doctor --bench --tokens 16 --layers 1 --patience 1",
      why: "one layer",
    },
  ];

/** Lines of shell blocks that are not run here, and why. Those of sekft are still parsed, by docs.test.ts. */
export const notRun: readonly { readonly line: RegExp; readonly why: string }[] = [
  {
    line: /^sekft sandbox build$/,
    why: "needs a Docker engine and a registry; test/sandbox/docker-image.test.ts builds the image",
  },
  {
    line: /^(for tier in .*)?sekft doctor --bench --shape\b/,
    why: "the shapes are for a GPU; test/commands/doctor.test.ts measures a small one",
  },
  {
    line: /^\.\/scripts\/(quickstart|test)\.sh$/,
    why: "set up a machine and take long; CI runs the second one",
  },
  {
    line: /^sekft quickstart\b/,
    why: "takes minutes; test/quickstart/whole.test.ts runs a small one",
  },
  { line: /test\/bench\/run\.sh$/, why: "wants programs of other people" },
  {
    line: /^bun run (check|docs)$/,
    why: "CI runs the first one, docs.test.ts compares what the second one writes",
  },
  { line: /\bbun (test )?test\//, why: "a run of the tests inside of the tests, and a benchmark" },
];

/** Programs that go on until they are stopped. */
export const servers = {
  /** Served until the page is done; its address stands in later lines as the documented one. */
  resident: /^sekft resident\b/,
  /** Opened, looked at, stopped. */
  view: /^sekft view\b/,
} as const;
