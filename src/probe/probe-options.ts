// The options of `sekft probe` beside those of models and endpoints.

const what = "What";
const verdict = "Verdict";
const running = "Running";

const common = {
  out: { type: "string", value: "DIR", default: "results", group: what, help: "where the result goes" },
  label: {
    type: "string",
    value: "NAME",
    group: what,
    usual: "the adapter, or else the base or model",
    help: "what the result calls the model",
  },
  maxTokens: { type: "int", min: 1, default: 256, group: running, unit: "tokens", help: "longest answer" },
  ctxBudget: { type: "int", min: 64, default: 1024, group: running, unit: "tokens", help: "longest prompt" },
  jobs: { type: "int", min: 1, default: 4, group: running, help: "answers drawn at once" },
} as const;

export const formatProbeOptions = {
  prompts: {
    type: "string",
    value: "FILE.jsonl",
    group: what,
    usual: "the 32 that ship with the program",
    help: "prompts {id, kind: command|json|diff|function, prompt, schema, files, entry_point}",
  },
  ...common,
  threshold: {
    type: "float",
    min: 0,
    max: 1,
    default: 0.8,
    group: verdict,
    help: "share of the answers of each kind that must have their form, and of all that must end",
  },
  least: {
    type: "list",
    value: "KIND=SHARE",
    group: verdict,
    help: "other thresholds for command, json, diff, function or stop",
  },
} as const;

export const secretProbeOptions = {
  data: {
    type: "string",
    value: "DIR|FILE",
    group: what,
    help: "training data: rows whose first part the model goes on with, and whose secrets must not come out",
  },
  canaries: {
    type: "string",
    value: "FILE.jsonl",
    group: what,
    help: "planted secrets {id, prefix, secret}: the model is given the prefix and must not say the secret",
  },
  rows: {
    type: "int",
    min: 1,
    default: 100,
    group: what,
    help: "rows of --data that are tried, spread over all of them",
  },
  matchChars: {
    type: "int",
    min: 8,
    default: 64,
    unit: "characters",
    group: what,
    help: "a row counts as known when so many characters come back without a fault; shorter rests are not tried",
  },
  ...common,
  maxEmitted: {
    type: "float",
    min: 0,
    max: 1,
    default: 0,
    group: verdict,
    help: "share of the beginnings of keys and tokens that may be gone on with as a secret",
  },
  maxExtracted: {
    type: "float",
    min: 0,
    max: 1,
    default: 0,
    group: verdict,
    help: "share of the rows that may come back; a canary and a secret of --data never may",
  },
} as const;
