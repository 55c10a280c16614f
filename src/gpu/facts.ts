// What an adapter says about itself, as plain data, and which tier of kernels it gets.

import { UserError } from "../base/errors.ts";

/** Kernel tiers, fastest first on a GPU: subgroup matrices; f16 storage; f32 everywhere; f32 for CPU adapters. */
export const tiers = ["matrix", "f16", "f32", "software"] as const;
export type Tier = (typeof tiers)[number];

/** One shape that the adapter's matrix units multiply. */
export interface MatrixConfig {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly component: string;
  readonly result: string;
}

/** An adapter, as printed by `doctor` and saved in manifests. */
export interface AdapterFacts {
  readonly name: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  /** True for a CPU implementation (llvmpipe, SwiftShader, WARP). */
  readonly software: boolean;
  readonly f16: boolean;
  readonly subgroups: boolean;
  readonly subgroupMin: number;
  readonly subgroupMax: number;
  readonly matrix: readonly MatrixConfig[];
  readonly timestamps: boolean;
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  readonly maxWorkgroupBytes: number;
  readonly maxWorkgroupSize: number;
}

/** Reads an adapter's features, limits and description. */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
  const info = adapter.info as GPUAdapterInfo & {
    subgroupMinSize?: number;
    subgroupMaxSize?: number;
    isFallbackAdapter?: boolean;
    subgroupMatrixConfigs?: readonly {
      M: number;
      N: number;
      K: number;
      componentType: string;
      resultComponentType: string;
    }[];
  };
  const { limits, features } = adapter;
  return {
    // Dawn puts a dash for everything that is no letter or digit, a bracket at the end included.
    name: info.device.replace(/-+$/, ""),
    vendor: info.vendor,
    architecture: info.architecture,
    driver: info.description,
    software:
      info.isFallbackAdapter ?? /llvmpipe|swiftshader|warp/i.test(`${info.architecture} ${info.device}`),
    f16: features.has("shader-f16"),
    subgroups: features.has("subgroups"),
    subgroupMin: info.subgroupMinSize ?? 0,
    subgroupMax: info.subgroupMaxSize ?? 0,
    matrix: (info.subgroupMatrixConfigs ?? []).map((config) => ({
      m: config.M,
      n: config.N,
      k: config.K,
      component: config.componentType,
      result: config.resultComponentType,
    })),
    timestamps: features.has("timestamp-query"),
    maxBindingBytes: limits.maxStorageBufferBindingSize,
    maxBufferBytes: limits.maxBufferSize,
    maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
    maxWorkgroupSize: limits.maxComputeInvocationsPerWorkgroup,
  };
}

/** True when the adapter multiplies 16x16x16 f16 matrices into f32. */
export function hasMatrixTier(facts: AdapterFacts): boolean {
  return (
    facts.f16 &&
    facts.matrix.some(
      (c) => c.m === 16 && c.n === 16 && c.k === 16 && c.component === "f16" && c.result === "f32",
    )
  );
}

/** The tier to run: the wanted one if the adapter can, the best one for `auto`.
 *  @throws UserError when the adapter cannot run the tier asked for. */
export function chooseTier(facts: AdapterFacts, wanted: Tier | "auto"): Tier {
  const able: Record<Tier, boolean> = {
    matrix: hasMatrixTier(facts),
    f16: facts.f16,
    f32: true,
    software: facts.subgroups && facts.subgroupMin === facts.subgroupMax,
  };
  if (wanted === "auto") {
    if (facts.software) return able.software ? "software" : "f32";
    return able.matrix ? "matrix" : able.f16 ? "f16" : "f32";
  }
  if (!able[wanted])
    throw new UserError(`--tier: expected a tier that ${facts.name} can run, got ${wanted}`, {
      hint: `this adapter can run: ${tiers.filter((tier) => able[tier]).join(", ")}`,
    });
  return wanted;
}
