// Which tiers of kernels an adapter can run, and why not the others.

import { type AdapterFacts, hasMatrixTier, type Tier, tiers } from "../gpu/facts.ts";

/** One tier: chosen, possible, or why it is not. */
export interface TierVerdict {
  readonly tier: Tier;
  readonly able: boolean;
  readonly reason: string;
}

/** All tiers, in the order of preference on a GPU. */
export function tierReport(facts: AdapterFacts): TierVerdict[] {
  return tiers.map((tier) => {
    const obstacle = obstacleOf(tier, facts);
    return { tier, able: obstacle === undefined, reason: obstacle ?? uses[tier] };
  });
}

const uses: Readonly<Record<Tier, string>> = {
  matrix: "matrix units multiply f16 into f32",
  f16: "f16 in memory, f32 arithmetic",
  f32: "f32 throughout; the reference for the faster tiers",
  software: "f32, laid out for a CPU adapter",
};

function obstacleOf(tier: Tier, facts: AdapterFacts): string | undefined {
  const { f16, matrix, subgroups, subgroupMin, subgroupMax } = facts;
  switch (tier) {
    case "matrix": {
      if (hasMatrixTier(facts)) return undefined;
      if (!f16) return "no shader-f16";
      if (matrix.length === 0) return "no subgroup matrices (VK_KHR_cooperative_matrix)";
      return "no 16x16x16 configuration takes f16 and gives f32";
    }
    case "f16":
      return f16 ? undefined : "no shader-f16";
    case "f32":
      return undefined;
    case "software":
      if (!subgroups) return "no subgroups";
      return subgroupMin === subgroupMax
        ? undefined
        : `needs one subgroup size, the adapter has ${subgroupMin} to ${subgroupMax}`;
  }
}
