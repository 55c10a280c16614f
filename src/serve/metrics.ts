// What /metrics says, in Prometheus' text format 0.0.4.

import type { HotBase } from "./hot-base.ts";
import type { AnswerEnd } from "./served-base.ts";

/** Seconds over which the rate is taken. */
const RATE_SECONDS = 10;

type Labels = Readonly<Record<string, string | number>>;

/** Counters of a server's life. */
export class Metrics {
  private readonly requests = new Map<string, number>();
  private readonly ends = new Map<string, number>();
  private promptTokens = 0;
  private cachedTokens = 0;
  private answerTokens = 0;
  private readonly recent: { at: number; tokens: number }[] = [];

  /** A request was answered. */
  countRequest(route: string, status: number): void {
    const key = JSON.stringify({ route, status });
    this.requests.set(key, (this.requests.get(key) ?? 0) + 1);
  }

  /** An answer ended. */
  countAnswer({ reason, promptTokens, completionTokens, cachedTokens }: AnswerEnd): void {
    this.ends.set(reason, (this.ends.get(reason) ?? 0) + 1);
    this.promptTokens += promptTokens;
    this.cachedTokens += cachedTokens;
    this.answerTokens += completionTokens;
  }

  /** The page.
   *  @param facts gauges that only the server knows. */
  page(hot: HotBase, facts: { adapters: number; jobs: ReadonlyMap<string, number> }): string {
    const lines: string[] = [];
    const metric = (name: string, type: string, help: string, values: [Labels, number][]) => {
      lines.push(`# HELP sekft_${name} ${help}`, `# TYPE sekft_${name} ${type}`);
      for (const [labels, value] of values) lines.push(`sekft_${name}${labelText(labels)} ${value}`);
    };
    const gauge = (name: string, help: string, value: number) => metric(name, "gauge", help, [[{}, value]]);
    const counter = (name: string, help: string, value: number) =>
      metric(name, "counter", help, [[{}, value]]);
    metric(
      "requests_total",
      "counter",
      "HTTP requests by route and status.",
      [...this.requests].map(([key, count]) => [JSON.parse(key) as Labels, count]),
    );
    metric(
      "answers_total",
      "counter",
      "Answers by how they ended.",
      [...this.ends].map(([reason, count]) => [{ reason }, count]),
    );
    counter("prompt_tokens_total", "Tokens of prompts.", this.promptTokens);
    counter("cached_prompt_tokens_total", "Tokens of prompts that were computed before.", this.cachedTokens);
    counter("completion_tokens_total", "Tokens of finished answers.", this.answerTokens);
    counter("device_lost_total", "Times that the device was lost.", hot.losses);
    gauge("ready", "1 when the base is loaded.", hot.ready ? 1 : 0);
    gauge("adapters", "Adapters that are loaded.", facts.adapters);
    metric(
      "training_jobs",
      "gauge",
      "Fine-tuning jobs by status.",
      [...facts.jobs].map(([status, count]) => [{ status }, count]),
    );
    if (hot.ready) {
      const { engine } = hot.current;
      const { running, waiting, cacheUsed, cacheTotal, tokensGenerated } = engine.stats();
      counter("generated_tokens_total", "Tokens that the engine has made.", tokensGenerated);
      gauge(
        "tokens_per_second",
        `Tokens made a second, since a look at least ${RATE_SECONDS} s ago.`,
        this.rate(tokensGenerated),
      );
      gauge("requests_running", "Answers that are computed now.", running);
      gauge("requests_waiting", "Answers that wait.", waiting);
      gauge("cache_used", "Used part of the cache of keys and values.", cacheUsed);
      gauge("cache_total", "All of the cache of keys and values.", cacheTotal);
      metric(
        "device_memory_bytes",
        "gauge",
        "Device memory by class.",
        [...hot.current.memory()].map(([name, bytes]) => [{ class: name }, bytes]),
      );
    }
    gauge("host_memory_bytes", "Resident memory of the process.", process.memoryUsage.rss());
    return `${lines.join("\n")}\n`;
  }

  /** Tokens a second since the oldest look that is kept: one of {@link RATE_SECONDS} ago where there is one. */
  private rate(tokens: number): number {
    const at = performance.now() / 1000;
    const last = this.recent.at(-1);
    // A new engine starts to count anew.
    if (last && last.tokens > tokens) this.recent.length = 0;
    this.recent.push({ at, tokens });
    while (this.recent.length > 2 && this.recent[1]!.at <= at - RATE_SECONDS) this.recent.shift();
    const first = this.recent[0]!;
    return at > first.at ? (tokens - first.tokens) / (at - first.at) : 0;
  }
}

function labelText(labels: Labels): string {
  const entries = Object.entries(labels);
  if (entries.length === 0) return "";
  const text = (value: string | number) => JSON.stringify(String(value));
  return `{${entries.map(([name, value]) => `${name}=${text(value)}`).join(",")}}`;
}
