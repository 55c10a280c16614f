// How much of the terminal a base has before any training: its probability at the real decision points of recorded sessions, next to
// that at points where the session went on.

import { createHash } from "node:crypto";
import type { Terminal } from "../../base/command.ts";
import { UserError } from "../../base/errors.ts";
import { startProgress } from "../../base/progress.ts";
import { parseTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import { version } from "../../base/version.ts";
import { loadChatFormat } from "../../data/chat/load-chat-format.ts";
import { toDatasetOptions } from "../../data/data-options.ts";
import { type BaseWeights, openBase } from "../../formats/base-weights.ts";
import { type Adapter, checkAdapterFits, type LoraTarget } from "../../formats/peft-adapter.ts";
import { Device } from "../../gpu/device.ts";
import type { Tier } from "../../gpu/facts.ts";
import { budgetBytes } from "../../gpu/memory.ts";
import { BaseModel } from "../../model/base-model.ts";
import { CausalLM } from "../../model/causal-lm.ts";
import { hashTensors } from "../adapter-setup.ts";
import { checkMemory } from "../memory-check.ts";
import { type DecisionSession, type DecisionSessions, readSessions, spread } from "./decision-points.ts";
import { adaptersByBase, type NamedModel, namedModels } from "./models.ts";
import { pointBatches, type Score, scorePoints } from "./score.ts";
import { type SessionScores, summarise, type TerminalSummary } from "./summary.ts";
import type { TerminalsOptions } from "./terminals-options.ts";

/** Tokens of a batch; a longer session is a batch of its own. */
const BATCH_TOKENS = 2048;

/** One base or adapter. */
export interface TerminalArm extends TerminalSummary {
  readonly name: string;
  readonly base: string;
  readonly base_path: string;
  readonly base_hash: string;
  readonly model_type: string;
  /** Folder and hash of the weights; null for a base itself. */
  readonly adapter: { readonly path: string; readonly sha256: string } | null;
  readonly vocabulary: number;
  /** Numbers of the sessions that end in each word. */
  readonly by_terminal: Readonly<Record<"exit" | "panic", TerminalSummary & { readonly sessions: number }>>;
  /** Each session: ln P, tokens, first token's ln P and rank, greedy; and ln P at its controls. */
  readonly sessions: readonly Readonly<Record<string, unknown>>[];
}

/** What `inspect terminals --json` prints and `terminals/<base>.json` of an experiment holds. */
export interface TerminalRecord {
  readonly version: 1;
  readonly kind: "terminals";
  readonly sekft: { readonly version: string; readonly commit: string };
  readonly terminals: TerminalWords;
  readonly data: {
    readonly path: string;
    /** Of the turns of the sessions that were measured. */
    readonly sha256: string;
    readonly rows: number;
    readonly sessions: number;
    /** Rows that some base's encoder refuses, and rows that end in no terminal. */
    readonly refused: number;
    readonly unended: number;
  };
  readonly settings: {
    readonly limit: number | null;
    readonly controls: number;
    readonly max_length: number;
    readonly load_4bit: boolean;
    readonly tier: string;
  };
  readonly device: string;
  /** Bases, each followed by its adapters, in the order in which they were given. */
  readonly arms: readonly TerminalArm[];
  /** Names of the bases, the likeliest terminal first. */
  readonly ranking: readonly string[];
}

/** Measures every base and adapter on the same sessions.
 *  @throws UserError when no session is left or names clash; DataError for data, bases and adapters that cannot be read; GpuError */
export async function measureTerminals(
  options: TerminalsOptions,
  terminal: Terminal,
): Promise<TerminalRecord> {
  const terminals = parseTerminals(options.terminals);
  const bases = namedModels("base", options.base);
  const adapters = namedModels("adapter", options.adapter ?? [], bases);
  const owned = adaptersByBase(bases, adapters);
  const dataset = toDatasetOptions({ ...options, ...fixed });
  const read = new Map<string, DecisionSessions>();
  for (const { name, path } of bases)
    read.set(name, await readSessions(dataset, loadChatFormat(path, options.chatTemplate), options.controls));
  const rows = commonRows([...read.values()], options);
  const first = read.get(bases[0]!.name)!;
  const { tier } = options;
  using device = await Device.open({ tier: tier as Tier | "auto", software: !options.requireGpu });
  if (device.facts.software && tier === "auto")
    terminal.note(`device: no GPU here, measuring on the CPU through ${device.facts.name}`);
  const arms: TerminalArm[] = [];
  for (const named of bases) {
    const sessions = read.get(named.name)!.sessions.filter(({ row }) => rows.has(row));
    arms.push(...(await measureBase(named, owned.get(named.name)!, { sessions, device, options, terminal })));
  }
  const measured = first.sessions.filter(({ row }) => rows.has(row));
  const hash = createHash("sha256").update(JSON.stringify(measured.map(({ sha256 }) => sha256)));
  const ranked = arms.filter(({ adapter }) => adapter === null);
  return {
    version: 1,
    kind: "terminals",
    sekft: version(),
    terminals,
    data: {
      path: options.data,
      sha256: `sha256:${hash.digest("hex")}`,
      rows: first.rows,
      sessions: rows.size,
      refused: first.rows - first.unended - endedEverywhere([...read.values()]).length,
      unended: first.unended,
    },
    settings: {
      limit: options.limit ?? null,
      controls: options.controls,
      max_length: options.maxLength,
      load_4bit: options.load4bit,
      tier: device.tier,
    },
    device: device.facts.name,
    arms,
    ranking: ranked.toSorted((a, b) => b.final.logp.value! - a.final.logp.value!).map(({ name }) => name),
  };
}

/** What the trainer's other options are here. */
const fixed = {
  holdout: undefined,
  overlong: "drop",
  strictPrefix: false,
  specialInContent: "keep",
  terminalWeight: 1,
} as const;

/** Rows that every base can read and that end in a terminal. */
function endedEverywhere(all: readonly DecisionSessions[]): number[] {
  const others = all.slice(1).map(({ sessions }) => new Set(sessions.map(({ row }) => row)));
  return all[0]!.sessions.map(({ row }) => row).filter((row) => others.every((set) => set.has(row)));
}

function commonRows(all: readonly DecisionSessions[], { data, limit }: TerminalsOptions): Set<number> {
  const rows = endedEverywhere(all);
  if (rows.length === 0) {
    const { rows: read, unended, refused } = all[0]!;
    throw new UserError(
      `${data}: expected a session that ends in a terminal, got ${read} rows: ${unended} that end otherwise, ${refused} that cannot be encoded`,
      {
        hint: "--terminals says what the endings are called, --max-length how long a session may be, --all takes rows that were not kept",
      },
    );
  }
  return new Set(spread(rows, limit ?? rows.length));
}

interface Run {
  readonly sessions: readonly DecisionSession[];
  readonly device: Device;
  readonly options: TerminalsOptions;
  readonly terminal: Terminal;
}

interface OpenAdapter {
  readonly adapter: Adapter;
  readonly targets: readonly LoraTarget[];
}

async function measureBase(
  named: NamedModel,
  adapters: readonly (NamedModel & { readonly adapter: Adapter })[],
  run: Run,
): Promise<TerminalArm[]> {
  const { device, options } = run;
  using source = openBase(named.path);
  using base = await BaseModel.load(device, { base: source, load4bit: options.load4bit });
  const arm = async (name: string, open: OpenAdapter | undefined) =>
    measureArm(name, { base, source, open }, run);
  const facts = {
    base: named.name,
    base_path: named.path,
    base_hash: source.fingerprint(),
    model_type: source.config.modelType,
    vocabulary: source.config.vocab,
  };
  const arms: TerminalArm[] = [
    { name: named.name, ...facts, adapter: null, ...(await arm(named.name, undefined)) },
  ];
  for (const { name, path, adapter } of adapters) {
    const targets = checkAdapterFits(adapter, path, source.config);
    const scores = await arm(name, { adapter, targets });
    arms.push({ name, ...facts, adapter: { path, sha256: hashTensors(adapter) }, ...scores });
  }
  return arms;
}

async function measureArm(
  name: string,
  model: { readonly base: BaseModel; readonly source: BaseWeights; readonly open: OpenAdapter | undefined },
  { sessions, device, options, terminal }: Run,
): Promise<TerminalSummary & Pick<TerminalArm, "by_terminal" | "sessions">> {
  const { base, source, open } = model;
  const batches = pointBatches(
    sessions.flatMap(({ final, controls }) => [final, ...controls]),
    BATCH_TOKENS,
  );
  const sizes = {
    load4bit: options.load4bit,
    targets: open?.targets ?? [],
    maxTokens: Math.max(...batches.map(({ tokens }) => tokens)),
    maxRows: Math.max(...batches.map(({ rows }) => rows)),
    budgetBytes: budgetBytes(device.facts),
  };
  checkMemory(source, sizes, device);
  using lm = await CausalLM.on(base, sizes);
  if (open) lm.adapter!.write(new Map([...open.adapter.tensors].map(([key, { data }]) => [key, data])));
  const total = batches.reduce((sum, { tokens }) => sum + tokens, 0);
  const progress = startProgress(terminal, { label: name, total, unit: "tokens" });
  const scores: Score[] = [];
  let done = 0;
  try {
    for (const batch of batches) {
      scores.push(...(await scorePoints(lm, batch)));
      done += batch.tokens;
      progress.update(done);
    }
  } finally {
    progress.end();
  }
  let at = 0;
  const scored = sessions.map(({ id, archetype, terminal: word, controls }): SessionScores => {
    const own = scores.slice(at, at + 1 + controls.length);
    at += own.length;
    return { id, archetype, terminal: word, final: own[0]!, controls: own.slice(1) };
  });
  const of = (word: "exit" | "panic") => {
    const part = scored.filter(({ terminal: own }) => own === word);
    return { sessions: part.length, ...summarise(part) };
  };
  return {
    ...summarise(scored),
    by_terminal: { exit: of("exit"), panic: of("panic") },
    sessions: scored.map(sessionFields),
  };
}

function sessionFields({ id, archetype, terminal, final, controls }: SessionScores) {
  const { logp, tokens, firstLogp, firstRank, greedy } = final;
  return {
    id,
    archetype,
    terminal,
    logp,
    tokens,
    first_logp: firstLogp,
    first_rank: firstRank,
    greedy,
    control_logp: controls.map((score) => score.logp),
  };
}
