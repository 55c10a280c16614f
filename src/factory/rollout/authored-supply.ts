// Scenarios made while a rollout needs them: the built-in author's candidates in a fixed order, through every gate, into the rollout's
// own folder, where a later run finds them again.

import { join } from "node:path";
import type { Terminal } from "../../base/command.ts";
import { closest, UserError } from "../../base/errors.ts";
import { parseNumberPairs } from "../../base/key-values.ts";
import { startProgress } from "../../base/progress.ts";
import { ROLLOUT_FILES } from "../../data/rollout-folder.ts";
import type { Scenario } from "../../data/scenario.ts";
import { markProven, scenarioFields } from "../../data/scenario-json.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import { type Author, builtinAuthor, isRefusal, type Refusal } from "../author/author.ts";
import type { AuthoredScenario } from "../author/plan.ts";
import { Turns } from "../author/turns.ts";
import { AuthorFolder, type AuthorRecord } from "../authoring/author-folder.ts";
import { inOrder } from "../authoring/ordered.ts";
import { type GateSet, judge } from "../gates/judge.ts";
import { NearDuplicates } from "../gates/near-duplicates.ts";
import type { LevelName } from "../taxonomy.ts";
import type { RolloutOptions } from "./options.ts";
import type { Supply } from "./supply.ts";

/** Candidates refused in a row before the author is given up. */
const HOPELESS = 60;

/** A supply that authors into `<out>/scenarios`. Which scenarios it gives depends on seed, archetypes and their weights alone. */
export class AuthoredSupply implements Supply, Disposable {
  readonly size = undefined;
  private readonly folder: AuthorFolder;
  private readonly author: Author;
  private readonly turns: Turns;
  private readonly known = new NearDuplicates();
  private readonly admitted: Scenario[] = [];
  private readonly earlier: AuthorRecord[];
  private tried = 0;

  /** @throws UserError when the folder was begun with other settings, or no archetype is left */
  constructor(
    options: Pick<
      RolloutOptions,
      "out" | "seed" | "archetypes" | "archetypeWeights" | "holdout" | "jobs" | "gates" | "level"
    >,
    private readonly provider: SandboxProvider,
    private readonly terminal: Terminal,
  ) {
    const { seed, archetypes, holdout, level } = options;
    this.jobs = options.jobs;
    this.gates = options.gates as GateSet;
    this.author = builtinAuthor({ seed, archetypes, holdout, level: level as LevelName });
    const weights = archetypeWeights(options.archetypeWeights, this.author.archetypes);
    this.turns = new Turns(this.author.archetypes, weights);
    const settings = {
      author: this.author.name,
      seed,
      archetypes: this.author.archetypes,
      ...(Object.keys(weights).length === 0 ? {} : { archetype_weights: weights }),
      ...(this.gates === "all" ? {} : { gates: this.gates }),
      ...(level === "full" ? {} : { level }),
    };
    this.folder = new AuthorFolder(join(options.out, ROLLOUT_FILES.scenarios), {
      kind: "scenarios",
      settings,
    });
    this.earlier = [...this.folder.records];
  }
  private readonly jobs: number;
  private readonly gates: GateSet;

  async first(count: number, signal: AbortSignal): Promise<readonly Scenario[]> {
    const progress = startProgress(this.terminal, {
      label: "author",
      total: count,
      unit: "scenarios",
      start: Math.min(count, this.admitted.length),
    });
    let refused = 0;
    try {
      while (this.admitted.length < count) {
        const candidates = Array.from({ length: count - this.admitted.length }, (_, i) =>
          this.candidate(this.tried + i),
        );
        for await (const { item, result } of inOrder(
          candidates,
          this.jobs,
          (one, stop) => this.consider(one, stop),
          signal,
        )) {
          this.tried++;
          refused = this.settle(item, result) ? 0 : refused + 1;
          progress.update(this.admitted.length, `${this.tried} tried`);
          if (refused >= HOPELESS)
            throw new UserError(
              `rollout: expected scenarios of ${this.author.archetypes.join(", ")}, got ${HOPELESS} in a row that a gate refused`,
              {
                hint: `${join(this.folder.path, "rejected")} says why; more archetypes or another --seed give others`,
              },
            );
        }
      }
    } finally {
      progress.end();
    }
    return this.admitted.slice(0, count);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }

  /** Candidate number `ordinal`: the archetypes in turns. */
  private candidate(ordinal: number): Candidate {
    return { ordinal, ...this.turns.at(ordinal) };
  }

  private async consider({ ordinal, archetype, index }: Candidate, signal: AbortSignal): Promise<Considered> {
    const made = await this.author.next(archetype, index, signal);
    const earlier = this.earlier[ordinal];
    if (isRefusal(made)) return { made, earlier };
    // What an earlier run admitted is not judged again, unless its file says otherwise.
    const file = earlier?.gate === null ? this.folder.kept(earlier.id) : undefined;
    if (
      earlier !== undefined &&
      (earlier.gate !== null || file?.contentHash === markProven(made.scenario, true, this.gates).contentHash)
    )
      return { made, earlier };
    const attempts = made.plan?.solutions.map((solution) => solution.map(({ command }) => command)) ?? [];
    const judgement = await judge(made.scenario, {
      provider: this.provider,
      attempts,
      gates: this.gates,
      signal,
    });
    const failed = judgement.results.find(({ passed }) => !passed);
    return { made, earlier, failed };
  }

  /** Takes a candidate in or writes down why not; in order, since near-duplicates are a question to those before. */
  private settle({ archetype, index }: Candidate, { made, earlier, failed }: Considered): boolean {
    const id = isRefusal(made) ? `${archetype}-${index}` : made.scenario.id;
    const record = (gate: string | null, reason: string | null): AuthorRecord => ({
      archetype,
      index,
      id,
      gate,
      reason,
    });
    const reject = (gate: string, reason: string, draft: unknown): false => {
      if (earlier === undefined) this.folder.reject({ scenario: draft, gate, reason }, record(gate, reason));
      return false;
    };
    if (isRefusal(made)) return reject(made.gate, made.reason, made.draft ?? null);
    if (earlier?.gate) return false;
    if (failed) return reject(failed.gate, failed.reason, scenarioFields(made.scenario));
    const near = this.known.gate(made.scenario);
    if (!near.passed) return reject(near.gate, near.reason, scenarioFields(made.scenario));
    const scenario = markProven(made.scenario, true, this.gates);
    if (earlier === undefined) this.folder.admit(scenario, record(null, null));
    else if (this.folder.kept(scenario.id) === undefined) this.folder.restore(scenario);
    this.known.add(made.scenario);
    this.admitted.push(scenario);
    return true;
  }
}

/** Weights by archetype, in the order of the names.
 *  @throws UserError for an archetype that is not written, or a weight that is not positive */
function archetypeWeights(
  text: string | undefined,
  archetypes: readonly string[],
): Readonly<Record<string, number>> {
  const weights = parseNumberPairs("archetype-weights", text);
  for (const [name, weight] of Object.entries(weights)) {
    if (!archetypes.includes(name)) {
      const near = closest(name, archetypes);
      throw new UserError(`--archetype-weights: expected an archetype that is written, got ${name}`, {
        hint: near ? `did you mean ${near}?` : `one of ${archetypes.join(", ")}`,
      });
    }
    if (!(weight > 0))
      throw new UserError(`--archetype-weights: expected a positive number for ${name}, got ${weight}`, {
        hint: "an archetype that is not wanted is left out of --archetypes",
      });
  }
  return Object.fromEntries(Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Candidate {
  readonly ordinal: number;
  readonly archetype: string;
  readonly index: number;
}

interface Considered {
  readonly made: AuthoredScenario | Refusal;
  /** What an earlier run decided. */
  readonly earlier: AuthorRecord | undefined;
  readonly failed?: { readonly gate: string; readonly reason: string } | undefined;
}
