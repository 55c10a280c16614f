// When a run stops by itself: rules over the figures of its windows. Nothing but arithmetic, so that the same figures always
// give the same decision.

/** A figure of a suite. */
export interface Metric {
  readonly suite: string;
  readonly metric: string;
}

/** Stop when a figure fell in so many windows in a row. */
interface FallRule {
  readonly kind: "falls";
  readonly of: Metric;
  readonly times: number;
}

/** Stop when a figure has not risen above its best for so many steps. */
interface PlateauRule {
  readonly kind: "no better";
  readonly of: Metric;
  readonly steps: number;
  /** Smaller gains are none. */
  readonly by: number;
}

/** Go past a step only with every figure at least as large as asked. */
interface NeedRule {
  readonly kind: "needs";
  readonly afterStep: number;
  readonly needs: readonly (Metric & { readonly least: number })[];
}

export type Rule = FallRule | PlateauRule | NeedRule;

/** Figures by name; null: there was nothing to count. */
export type Figures = Readonly<Record<string, number | null>>;

/** What was measured at a step, by suite. */
export interface Window {
  readonly step: number;
  readonly figures: Readonly<Record<string, Figures>>;
}

/** A figure that a decision rests on. */
export interface Measured {
  readonly step: number;
  /** `suite.metric` */
  readonly figure: string;
  readonly value: number | null;
}

/** What one rule says. */
export interface Verdict {
  readonly rule: string;
  readonly stop: boolean;
  /** In words, with the numbers. */
  readonly why: string;
  readonly numbers: readonly Measured[];
}

/** The rule in words. */
function ruleText(rule: Rule): string {
  switch (rule.kind) {
    case "falls":
      return `stop when ${name(rule.of)} falls in ${counted(rule.times, "window")} in a row`;
    case "no better":
      return `stop when ${name(rule.of)} is no better${rule.by > 0 ? ` by more than ${rule.by}` : ""} for ${counted(rule.steps, "step")}`;
    case "needs":
      return `go past step ${rule.afterStep} only with ${rule.needs.map((need) => `${name(need)} of at least ${need.least}`).join(" and ")}`;
  }
}

/** What `rule` says at the last of `windows`, which ascend by step. */
export function judge(rule: Rule, windows: readonly Window[]): Verdict {
  switch (rule.kind) {
    case "falls":
      return judgeFalls(rule, windows);
    case "no better":
      return judgePlateau(rule, windows);
    case "needs":
      return judgeNeeds(rule, windows);
  }
}

function judgeFalls(rule: FallRule, windows: readonly Window[]): Verdict {
  const known = knownValues(rule.of, windows);
  const last = known.slice(-(rule.times + 1));
  let falls = 0;
  for (let i = known.length - 1; i > 0 && known[i]!.value < known[i - 1]!.value; i--) falls++;
  const isNow = known.at(-1)?.step === windows.at(-1)?.step;
  const stop = isNow && falls >= rule.times;
  return {
    rule: ruleText(rule),
    stop,
    why: isNow
      ? `${name(rule.of)} fell in ${counted(falls, "window")} in a row (${path(last)})`
      : `${name(rule.of)} has no figure here`,
    numbers: last,
  };
}

function judgePlateau(rule: PlateauRule, windows: readonly Window[]): Verdict {
  const known = knownValues(rule.of, windows);
  const step = windows.at(-1)!.step;
  let best = known[0];
  for (const one of known) if (one.value - best!.value > rule.by) best = one;
  const since = best === undefined ? 0 : step - best.step;
  const now = known.at(-1);
  return {
    rule: ruleText(rule),
    stop: since >= rule.steps,
    why:
      best === undefined
        ? `${name(rule.of)} has no figure yet`
        : `${name(rule.of)} is best at step ${best.step} with ${best.value}, ${counted(since, "step")} ago${now!.step === step ? ` (now ${now!.value})` : ""}`,
    numbers: [...new Set([best, now])].filter((one) => one !== undefined),
  };
}

/** Asked once: at the first window at or past the step. */
function judgeNeeds(rule: NeedRule, windows: readonly Window[]): Verdict {
  const now = windows.at(-1)!;
  const before = windows.at(-2)?.step ?? 0;
  const text = ruleText(rule);
  if (now.step < rule.afterStep || before >= rule.afterStep)
    return {
      rule: text,
      stop: false,
      why: now.step < rule.afterStep ? `asked at step ${rule.afterStep}` : "asked before",
      numbers: [],
    };
  const numbers = rule.needs.map((need) => ({
    step: now.step,
    figure: name(need),
    value: figureIn(need, now),
  }));
  const short = numbers.filter(({ value }, i) => value === null || value < rule.needs[i]!.least);
  const words = numbers.map(
    ({ figure, value }, i) => `${figure} ${value ?? "unknown"} of ${rule.needs[i]!.least}`,
  );
  return { rule: text, stop: short.length > 0, why: words.join(", "), numbers };
}

/** A metric as rules and records write it. */
function name({ suite, metric }: Metric): string {
  return `${suite}.${metric}`;
}

function figureIn({ suite, metric }: Metric, { figures }: Window): number | null {
  return figures[suite]?.[metric] ?? null;
}

function knownValues(of: Metric, windows: readonly Window[]) {
  return windows.flatMap((window) => {
    const value = figureIn(of, window);
    return value === null ? [] : [{ step: window.step, figure: name(of), value }];
  });
}

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? "" : "s"}`;

const path = (numbers: readonly Measured[]) =>
  numbers.map(({ step, value }) => `${value} at ${step}`).join(", ");
