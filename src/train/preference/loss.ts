// Preference losses of one pair and their slopes, in double precision. Names and formulas are TRL's (dpo_trainer.py of 1.16;
// SimPO and ORPO as in its cpo_trainer.py and orpo_trainer.py); each comment names the paper.

/** Losses by name. */
export const lossTypes = ["sigmoid", "hinge", "ipo", "robust", "simpo", "orpo"] as const;
export type LossType = (typeof lossTypes)[number];

/** Losses of the policy alone, on mean log-probabilities of a token: nothing is compared with a reference. */
export const referenceFreeLosses: ReadonlySet<LossType> = new Set(["simpo", "orpo"]);

/** What decides a loss. */
export interface LossSettings {
  readonly type: LossType;
  /** Weight of the distance to the reference; IPO's tau, ORPO's lambda. */
  readonly beta: number;
  /** Chance that a pair's label is wrong: cDPO under `sigmoid`, robust DPO under `robust`. */
  readonly labelSmoothing: number;
  /** SimPO's target margin. */
  readonly gamma: number;
}

/** Log-probabilities of a pair, summed over its completions' trained tokens, and how many tokens these are. */
export interface PairLogps {
  readonly chosen: number;
  readonly rejected: number;
  /** Those of the reference; 0 where there is none. */
  readonly refChosen: number;
  readonly refRejected: number;
  readonly chosenTokens: number;
  readonly rejectedTokens: number;
}

/** A pair's loss. */
export interface PairLoss {
  readonly loss: number;
  /** Slope of the loss on each summed log-probability. */
  readonly dChosen: number;
  readonly dRejected: number;
  readonly rewardChosen: number;
  readonly rewardRejected: number;
  /** ORPO's log odds of the chosen completion over the rejected one. */
  readonly logOdds?: number;
}

/** The loss of one pair and its slopes. */
export function pairLoss(logps: PairLogps, settings: LossSettings): PairLoss {
  const { beta } = settings;
  if (referenceFreeLosses.has(settings.type)) return meanLoss(logps, settings);
  const chosen = logps.chosen - logps.refChosen;
  const rejected = logps.rejected - logps.refRejected;
  const rewards = { rewardChosen: beta * chosen, rewardRejected: beta * rejected };
  if (settings.type === "ipo") {
    // Azar et al. 2023, eq. 17, on means over tokens, as TRL has it from the authors.
    const delta = chosen / logps.chosenTokens - rejected / logps.rejectedTokens;
    const off = delta - 1 / (2 * beta);
    return {
      loss: off * off,
      dChosen: (2 * off) / logps.chosenTokens,
      dRejected: (-2 * off) / logps.rejectedTokens,
      ...rewards,
    };
  }
  const { loss, slope } = marginLoss(beta * (chosen - rejected), settings);
  return { loss, dChosen: beta * slope, dRejected: -beta * slope, ...rewards };
}

/** SimPO and ORPO. */
function meanLoss(logps: PairLogps, settings: LossSettings): PairLoss {
  const { beta, gamma, type } = settings;
  const { chosenTokens, rejectedTokens } = logps;
  const chosen = logps.chosen / chosenTokens;
  const rejected = logps.rejected / rejectedTokens;
  const rewards = { rewardChosen: beta * chosen, rewardRejected: beta * rejected };
  if (type === "simpo") {
    // Meng et al. 2024, eq. 6.
    const { loss, slope } = marginLoss(beta * (chosen - rejected) - gamma, settings);
    const d = beta * slope;
    return { loss, dChosen: d / chosenTokens, dRejected: -d / rejectedTokens, ...rewards };
  }
  // Hong et al. 2024, eq. 6 and 7, without the likelihood of the chosen text, which is one over the micro-batch.
  const logOdds = chosen - rejected - (log1mexp(chosen) - log1mexp(rejected));
  const slope = -beta * sigmoid(-logOdds);
  return {
    loss: -beta * logSigmoid(logOdds),
    // d/dx (x - log(1 - e^x)) = 1 / (1 - e^x)
    dChosen: slope / oneMinusExp(chosen) / chosenTokens,
    dRejected: -slope / oneMinusExp(rejected) / rejectedTokens,
    ...rewards,
    logOdds,
  };
}

/** Loss and slope on a scaled margin. */
function marginLoss(margin: number, { type, labelSmoothing }: LossSettings): { loss: number; slope: number } {
  if (type === "hinge") return { loss: Math.max(0, 1 - margin), slope: margin < 1 ? -1 : 0 };
  // Rafailov et al. 2023, eq. 7; with smoothing its appendix's conservative form, or Chowdhury et al. 2024, eq. 8.
  const flipped = type === "robust" ? -labelSmoothing : labelSmoothing;
  const scale = type === "robust" ? 1 / (1 - 2 * labelSmoothing) : 1;
  const kept = 1 - labelSmoothing;
  return {
    loss: scale * (-kept * logSigmoid(margin) - flipped * logSigmoid(-margin)),
    slope: scale * (-kept * sigmoid(-margin) + flipped * sigmoid(margin)),
  };
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/** log(sigmoid(x)) without overflow. */
export function logSigmoid(x: number): number {
  return Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));
}

/** 1 - e^x of a log-probability; one that rounding made 0 or more counts as all but certain. */
function oneMinusExp(x: number): number {
  return Math.max(-Math.expm1(x), 1e-12);
}

function log1mexp(x: number): number {
  return Math.log(oneMinusExp(x));
}
