// `sekft author` from its options to the folders: chooses the author, opens the sandbox, fills --out and --holdout-out.

import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { ChatEndpoint } from "../../agent/endpoint/chat-endpoint.ts";
import { chooseEndpoint } from "../../agent/endpoint/endpoint-options.ts";
import type { Terminal } from "../../base/command.ts";
import { Interrupted, UserError } from "../../base/errors.ts";
import { formatShare } from "../../base/format.ts";
import { Interruption } from "../../base/interruption.ts";
import { startProgress } from "../../base/progress.ts";
import { version } from "../../base/version.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import { openProvider } from "../../sandbox/open-provider.ts";
import { type Author, builtinAuthor } from "../author/author.ts";
import { type GateSet, type Judgement, judge } from "../gates/judge.ts";
import { NearDuplicates } from "../gates/near-duplicates.ts";
import type { LevelName } from "../taxonomy.ts";
import { teacherAuthor } from "../teacher/teacher-author.ts";
import { promptSha256 } from "../teacher/teacher-prompt.ts";
import { AuthorFolder } from "./author-folder.ts";
import type { AuthorOptions } from "./author-options.ts";
import { type AuthorTally, runAuthor } from "./run-author.ts";

/** What `sekft author` came to. */
export interface Authored {
  readonly out: AuthorTally;
  readonly holdout: AuthorTally | undefined;
}

/** Makes scenarios.
 *  @param env where an endpoint may be named that the options do not name
 *  @throws UserError for options that do not fit together, InfrastructureError when endpoint or sandbox fail, Interrupted */
export async function author(
  options: AuthorOptions,
  terminal: Terminal,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Authored> {
  checkFolders(options);
  const endpoint = openEndpoint(options, env);
  if (endpoint === undefined)
    terminal.note("author: no endpoint given (--url, SEKFT_URL), the built-in author composes the scenarios");
  await using provider =
    options.sandbox === "none"
      ? undefined
      : await openProvider({ ...options, sandbox: options.sandbox }, (line) => terminal.note(line));
  if (provider === undefined)
    terminal.warn(
      "author: without a sandbox nothing is run; the bundles are marked unproven and no rollout takes them",
    );
  using interruption = new Interruption();
  const known = new NearDuplicates();
  const judged = new Map<string, Promise<Judgement>>();
  const fill = (
    path: string,
    n: number,
    archetypes: readonly string[] | undefined,
    holdout: readonly string[],
  ) =>
    fillFolder(
      { options, terminal, endpoint, provider, known, judged, signal: interruption.signal },
      { path, n, archetypes, holdout },
    );
  const holdout = options.holdout ?? [];
  const out = await fill(options.out, options.n, options.archetypes, holdout);
  if (options.holdoutOut === undefined) return { out, holdout: undefined };
  const each = Math.ceil(options.n / Object.keys(out.byArchetype).length);
  const n = options.holdoutN ?? each * new Set(holdout).size;
  return { out, holdout: await fill(options.holdoutOut, n, holdout, []) };
}

interface Shared {
  readonly options: AuthorOptions;
  readonly terminal: Terminal;
  readonly endpoint: ChatEndpoint | undefined;
  readonly provider: SandboxProvider | undefined;
  readonly known: NearDuplicates;
  readonly judged: Map<string, Promise<Judgement>>;
  readonly signal: AbortSignal;
}

interface Target {
  readonly path: string;
  readonly n: number;
  readonly archetypes: readonly string[] | undefined;
  readonly holdout: readonly string[];
}

async function fillFolder(shared: Shared, target: Target): Promise<AuthorTally> {
  const { options, terminal, endpoint, provider, known, judged, signal } = shared;
  const { seed } = options;
  /** A teacher has its drafts judged before it hands them over; what is known is not asked again. */
  const ask = (scenario: Scenario, attempts: readonly (readonly string[])[], stop: AbortSignal) => {
    const before = judged.get(scenario.contentHash);
    if (before) return before;
    const now = judge(scenario, { provider, attempts, gates: options.gates as GateSet, signal: stop });
    judged.set(scenario.contentHash, now);
    now.catch(() => judged.delete(scenario.contentHash));
    return now;
  };
  const level = options.level as LevelName;
  const picked = { seed, level, archetypes: target.archetypes, holdout: target.holdout };
  const writer: Author =
    endpoint === undefined
      ? builtinAuthor(picked)
      : teacherAuthor({
          ...picked,
          endpoint,
          repairs: options.repairs,
          temperature: options.temperature,
          budget: { requests: options.maxRequests, tokens: options.maxSpent },
          judge: (scenario, stop) => ask(scenario, [], stop ?? signal),
        });
  const settings = {
    author: writer.name,
    seed,
    n: target.n,
    archetypes: writer.archetypes,
    proven: provider !== undefined,
    // Folders of earlier versions name no gates and no level.
    ...(options.gates === "all" ? {} : { gates: options.gates }),
    ...(level === "full" ? {} : { level }),
    ...(endpoint && {
      model: await endpoint.model(signal),
      url: endpoint.address.shown,
      repairs: options.repairs,
      temperature: options.temperature,
    }),
  };
  using folder = new AuthorFolder(target.path, {
    kind: "scenarios",
    sekft: version(),
    settings,
    holdout: target.holdout,
    teacher: endpoint ? { ...(await endpoint.describe()), prompt_sha256: promptSha256 } : null,
    sandbox: provider ? await provider.facts() : null,
  });
  const progress = startProgress(terminal, {
    label: "author",
    total: target.n,
    unit: "scenarios",
    start: folder.records.filter(({ gate }) => gate === null).length,
  });
  let tally: AuthorTally | undefined;
  try {
    tally = await runAuthor({
      folder,
      author: writer,
      n: target.n,
      jobs: options.jobs ?? availableParallelism(),
      known,
      proven: provider !== undefined,
      gates: options.gates,
      judge: ask,
      signal,
      onProgress: (now) => {
        tally = now;
        progress.update(now.admitted, `yield ${formatShare(now.admitted, now.tried)} of ${now.tried}`);
      },
    });
    return tally;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Interrupted(`author: stopped after ${tally?.admitted ?? 0} of ${target.n} scenarios`, {
      hint: "the same command goes on from here",
      cause: error,
    });
  } finally {
    progress.end();
    if (tally) folder.writeSummary(summaryOf(tally, provider !== undefined, endpoint));
  }
}

/** The summary as files and --json have it. */
export function summaryOf(
  tally: AuthorTally,
  proven: boolean,
  endpoint?: ChatEndpoint,
): Record<string, unknown> {
  const { n, tried, admitted, byGate, byArchetype } = tally;
  return {
    n,
    tried,
    admitted,
    rejected: tried - admitted,
    yield: tried === 0 ? null : admitted / tried,
    proven,
    rejected_by_gate: byGate,
    archetypes: Object.fromEntries(
      Object.entries(byArchetype).map(([name, one]) => [
        name,
        { tried: one.tried, admitted: one.admitted, rejected_by_gate: one.byGate },
      ]),
    ),
    ...(endpoint && {
      spent: {
        requests: endpoint.spent.requests,
        prompt_tokens: endpoint.spent.promptTokens,
        completion_tokens: endpoint.spent.completionTokens,
        from_cache: endpoint.spent.cached,
      },
    }),
  };
}

function openEndpoint(options: AuthorOptions, env: NodeJS.ProcessEnv): ChatEndpoint | undefined {
  const choice = chooseEndpoint(options, env);
  if (choice === undefined) return undefined;
  return new ChatEndpoint(choice, { cacheFolder: options.cache ? join(options.out, ".cache") : undefined });
}

function checkFolders({ out, holdout, holdoutOut }: AuthorOptions): void {
  if (holdoutOut === undefined) return;
  if (!holdout?.length)
    throw new UserError("--holdout-out: expected --holdout with it, got none", {
      hint: "name the archetypes, e.g. --holdout text_replace,permissions",
    });
  const inside = (a: string, b: string) => !relative(resolve(a), resolve(b)).startsWith("..");
  if (inside(out, holdoutOut) || inside(holdoutOut, out))
    throw new UserError(
      `--holdout-out ${holdoutOut}: expected a folder beside --out, got one inside the other`,
      {
        hint: "a rollout of --out would read the scenarios that are to be held out",
      },
    );
}
