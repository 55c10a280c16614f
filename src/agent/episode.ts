// One session in a shell: a world is stood up, a model acts in it until it leaves or is stopped, and the state that it leaves is judged.

import { InfrastructureError, Interrupted } from "../base/errors.ts";
import { plainTerminals, type TerminalWords } from "../base/terminal-words.ts";
import type { Turn } from "../data/normalize.ts";
import type { Scenario } from "../data/scenario.ts";
import type { Terminal } from "../data/trajectory.ts";
import type { CommandResult, Sandbox, SandboxProvider } from "../sandbox/contract.ts";
import type { Episode, EpisodeLimits, GenerateSettings, LimitName, Model, Reply, Step } from "./contract.ts";
import { decideOutcome, PATIENCE } from "./outcome.ts";
import { hasDiscovered, hasOperated } from "./provider-use.ts";
import { renameScenario } from "./renamed-scenario.ts";
import { type ReadReply, readReply } from "./reply.ts";
import { countTokens, cutOutput, fitScrollback } from "./scrollback.ts";
import { readShell } from "./shell-syntax.ts";

/** What an episode is made of. */
export interface EpisodeRequest {
  readonly scenario: Scenario;
  readonly provider: SandboxProvider;
  readonly model: Model;
  readonly limits: EpisodeLimits;
  /** How replies are sampled; their length is `limits.maxTokens`. */
  readonly settings: Omit<GenerateSettings, "maxTokens">;
  /** Instructions for a model that does not know the routine: sent before the system text, never recorded. */
  readonly scaffold?: string | undefined;
  /** Turns before the session's own, such as an earlier session: sent after the system text, never recorded. */
  readonly prime?: readonly Turn[] | undefined;
  /** The words that end the session; the screen speaks of them by these names. `exit` and `panic` when not given. */
  readonly terminals?: TerminalWords | undefined;
  /** Sentences beside a command are taken off before it is run and recorded; an eval runs them. */
  readonly stripProse?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called behind each command with the step and what it showed. */
  readonly onStep?: ((step: Step, output: string) => void) | undefined;
}

/** Runs one episode.
 *  @returns the episode; what the machinery failed in is its `error`.
 *  @throws Interrupted when `signal` is given up, and errors that are nobody's fault but the scenario's or this program's. */
export async function runEpisode(request: EpisodeRequest): Promise<Episode> {
  const session = new Session(request);
  let failure: InfrastructureError | undefined;
  try {
    await session.live();
  } catch (error) {
    if (request.signal?.aborted) throw interrupted(error);
    if (!(error instanceof InfrastructureError)) throw error;
    failure = error;
  } finally {
    await session.sandbox?.close();
  }
  return session.episode(failure);
}

function interrupted(cause: unknown): Interrupted {
  return cause instanceof Interrupted ? cause : new Interrupted("interrupted in an episode", { cause });
}

/** Why no further reply is asked for. */
type End = { readonly by: "terminal" | "idle" } | { readonly by: "limit"; readonly limit: LimitName };

class Session {
  sandbox: Sandbox | undefined;
  private readonly started = performance.now();
  private readonly scenario: Scenario;
  private readonly words: TerminalWords;
  private deadline = Number.POSITIVE_INFINITY;
  private readonly head: readonly Turn[];
  private readonly exchanges: Turn[][] = [];
  private readonly steps: Step[] = [];
  private readonly outputs: string[] = [];
  private readonly kinds: ReadReply["prose"][] = [];
  private readonly limitsHit = new Set<LimitName>();
  private readonly wall = new AbortController();
  private terminal: Terminal | null = null;
  private end: End | undefined;
  private passed: boolean | undefined;
  private outputTokens = 0;
  private idle = 0;
  private failures = 0;
  private cutReplies = 0;
  private everRan = false;

  constructor(private readonly request: EpisodeRequest) {
    this.words = request.terminals ?? plainTerminals;
    this.scenario = renameScenario(request.scenario, this.words);
    const { system, announcement } = this.scenario;
    this.head = [
      { role: "system", content: system },
      { role: "user", content: announcement.login },
    ];
  }

  /** Stands the world up, lets the model act, judges.
   *  @throws InfrastructureError */
  async live(): Promise<void> {
    const { scenario, words: terminals } = this;
    const { provider, limits, signal } = this.request;
    signal?.throwIfAborted();
    this.sandbox = await provider.open(scenario, { terminals, ...(signal && { signal }) });
    this.deadline = performance.now() + limits.wallSeconds * 1000;
    const wallMs = limits.wallSeconds * 1000;
    // Timers hold 31 bits; what is longer is no limit.
    const timer = wallMs < 2 ** 31 ? setTimeout(() => this.wall.abort(), wallMs) : undefined;
    try {
      while (this.end === undefined) this.end = await this.step(this.sandbox);
    } finally {
      clearTimeout(timer);
    }
    if (this.end.by === "limit") this.limitsHit.add(this.end.limit);
    signal?.throwIfAborted();
    const verdict = await this.sandbox.check(scenario.checker, { ...(signal && { signal }) });
    this.passed = verdict.passed;
  }

  /** One reply and what it does; why it was the last one, if it was. */
  private async step(sandbox: Sandbox): Promise<End | undefined> {
    const { scenario, words } = this;
    const { limits } = this.request;
    const prompt = `${scenario.user}@${scenario.host}:${sandbox.shownDirectory}$ `;
    this.exchanges.push([{ role: "user", content: prompt }]);
    const sent = await this.prompt();
    if (sent === undefined) return { by: "limit", limit: "context" };
    const asked = performance.now();
    const reply = await this.ask(sent);
    if (reply === undefined) return { by: "limit", limit: "wall" };
    const answered = performance.now();
    const read = readReply(reply.content, {
      known: [scenario.provider.name, words.exit, words.panic],
      ...(this.request.stripProse && { stripProse: true }),
    });
    this.exchanges.at(-1)!.push({ role: "assistant", content: read.command });
    const result = read.command.trim() === "" ? nothing : await this.execute(sandbox, read.command);
    const step = this.note(reply, read, result, answered - asked);
    if (result.terminal !== null) {
      this.terminal = result.terminal.word;
      this.request.onStep?.(step, result.output);
      return { by: "terminal" };
    }
    const useless = this.isUseless(read, result);
    this.idle = useless ? this.idle + 1 : 0;
    const shown = await this.show(result.output);
    this.request.onStep?.(step, shown);
    return this.idle >= PATIENCE ? { by: "idle" } : this.limitOver(limits);
  }

  private async prompt(): Promise<Turn[] | undefined> {
    const { scenario } = this;
    const { scaffold, prime = [], limits, model } = this.request;
    const [system, login] = this.head as [Turn, Turn];
    const opening =
      scaffold === undefined
        ? system
        : { role: "system" as const, content: `${scaffold.trimEnd()}\n\n${scenario.system}` };
    // What the scaffold takes is not the session's: the deployed model does without it.
    const extra = scaffold === undefined ? 0 : await this.cost([opening, login], [system, login]);
    const budget = limits.ctxBudget + extra;
    const { exchanges } = this;
    if (prime.length > 0) {
      const all = [opening, ...prime, login, ...exchanges.flat()];
      if ((await countTokens(model, all)) <= budget) return all;
    }
    return fitScrollback(model, { head: [opening, login], exchanges }, budget);
  }

  private async cost(long: readonly Turn[], short: readonly Turn[]): Promise<number> {
    const { model } = this.request;
    return (await countTokens(model, long)) - (await countTokens(model, short));
  }

  /** The model's reply; undefined when the wall came first. */
  private async ask(turns: readonly Turn[]): Promise<Reply | undefined> {
    const { model, settings, limits, signal } = this.request;
    const both = signal === undefined ? this.wall.signal : AbortSignal.any([signal, this.wall.signal]);
    const stopped = Promise.withResolvers<undefined>();
    const stop = () => stopped.resolve(undefined);
    both.addEventListener("abort", stop, { once: true });
    if (both.aborted) stop();
    try {
      const reply = model.generate(turns, { ...settings, maxTokens: limits.maxTokens }, both);
      // A model that does not mind the signal is left behind.
      reply.catch(() => undefined);
      const first = await Promise.race([reply, stopped.promise]);
      signal?.throwIfAborted();
      return first;
    } catch (error) {
      signal?.throwIfAborted();
      if (this.wall.signal.aborted) return undefined;
      throw error;
    } finally {
      both.removeEventListener("abort", stop);
    }
  }

  private execute(sandbox: Sandbox, command: string): Promise<CommandResult> {
    const { provider, signal } = this.request;
    const left = this.deadline - performance.now();
    const timeoutMs = Math.max(1, Math.ceil(Math.min(provider.limits.commandTimeoutMs, left)));
    return sandbox.run(command, { timeoutMs, ...(signal && { signal }) });
  }

  private note(reply: Reply, read: ReadReply, result: CommandResult, modelMs: number): Step {
    const step: Step = {
      reply: reply.content,
      command: read.command,
      prose: read.prose !== "none",
      status: result.status,
      timedOut: result.timedOut,
      outputBytes: result.outputBytes,
      outputSha256: result.outputSha256,
      truncated: result.truncated,
      promptTokens: reply.promptTokens,
      completionTokens: reply.completionTokens,
      modelMs,
      commandMs: result.durationMs,
    };
    const before = this.steps.at(-1);
    const repeats =
      before !== undefined &&
      before.command === step.command &&
      before.outputSha256 === step.outputSha256 &&
      this.exchanges.at(-2)?.[0]?.content === this.exchanges.at(-1)?.[0]?.content;
    this.steps.push(step);
    this.kinds.push(read.prose);
    this.failures = step.status !== 0 || repeats ? this.failures + 1 : 0;
    this.cutReplies = reply.finish === "length" ? this.cutReplies + 1 : 0;
    this.outputTokens += reply.completionTokens ?? Math.ceil(Buffer.byteLength(reply.content) / 3);
    if (reply.finish === "length") this.limitsHit.add("reply_length");
    if (result.timedOut) this.limitsHit.add("command_timeout");
    return step;
  }

  /** Puts an output on the screen; one that would leave no room for anything else is cut. */
  private async show(output: string): Promise<string> {
    const { model, limits } = this.request;
    const cut = await cutOutput(model, output, Math.floor(limits.ctxBudget / 2));
    if (cut !== "") this.exchanges.at(-1)!.push({ role: "user", content: cut });
    this.outputs.push(cut);
    return cut;
  }

  /** True for a reply with which nothing is done: words only, nothing at all, or what no shell can make sense of. */
  private isUseless(read: ReadReply, result: CommandResult): boolean {
    const { commands } = readShell(read.command);
    if (read.prose === "only" || commands.length === 0) return true;
    if (!isRefused(read.command, result)) {
      this.everRan = true;
      return false;
    }
    return read.prose === "none" && !read.plausible && !this.isOnScreen(commands[0]![0]!);
  }

  /** A program that somebody on the screen spoke of is worth a try, even if there is none of that name. */
  private isOnScreen(word: string): boolean {
    const screen = [...this.head.map(({ content }) => content), ...this.outputs].join("\n");
    const told = screen.split("\n").filter((line) => !/^\/bin\/sh: \d+: /.test(line));
    return word.length > 2 && told.some((line) => line.includes(word));
  }

  private limitOver(limits: EpisodeLimits): End | undefined {
    const limit = (name: LimitName): End => ({ by: "limit", limit: name });
    if (this.wall.signal.aborted || performance.now() >= this.deadline) return limit("wall");
    if (limits.outputTokens !== undefined && this.outputTokens >= limits.outputTokens) return limit("output");
    if (this.failures >= limits.consecutiveErrors) return this.everRan ? limit("errors") : { by: "idle" };
    if (this.cutReplies >= PATIENCE) return limit("reply_length");
    return this.steps.length >= limits.maxSteps ? limit("steps") : undefined;
  }

  /** The record of what happened. */
  episode(failure: InfrastructureError | undefined): Episode {
    const { scenario } = this;
    const { model } = this.request;
    const last = this.exchanges.at(-1);
    // A prompt that nobody answered is not part of the session.
    const answered = last?.length === 1 ? this.exchanges.slice(0, -1) : this.exchanges;
    const observed = this.steps.map(({ command, status }, i) => ({
      command,
      status,
      output: this.outputs[i] ?? "",
    }));
    return {
      scenarioId: scenario.id,
      scenarioHash: scenario.contentHash,
      archetype: scenario.archetype,
      model: model.name,
      turns: [...this.head, ...answered.flat()],
      steps: this.steps,
      outcome: decideOutcome({
        broken: failure !== undefined,
        terminal: this.terminal,
        expected: scenario.expectedTerminal,
        passed: this.passed === true,
        overrun: this.end?.by === "limit",
        prose: this.steps.map(({ prose }) => prose),
        talked: this.kinds.length >= PATIENCE && this.kinds.slice(-PATIENCE).every((kind) => kind === "only"),
      }),
      verified: this.passed ?? null,
      terminal: this.terminal,
      operated: hasOperated(scenario, observed),
      discovered: hasDiscovered(scenario, observed),
      limitsHit: [...this.limitsHit],
      wallMs: performance.now() - this.started,
      error: failure
        ? {
            kind: failure.kind,
            message: failure.message,
            retryable: failure.retryable,
            hint: failure.hint,
          }
        : null,
    };
  }
}

/** The shell found no program of that name, or no sense in the text, such as markup that reads like a redirection. */
function isRefused(command: string, { status, output }: CommandResult): boolean {
  return status === 127 || (status === 2 && (output.includes("Syntax error") || command.startsWith("<")));
}

/** What an empty line does in a shell. */
const nothing: CommandResult = {
  output: "",
  outputBytes: 0,
  outputSha256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  truncated: false,
  status: 0,
  timedOut: false,
  stateLost: false,
  terminal: null,
  durationMs: 0,
};
