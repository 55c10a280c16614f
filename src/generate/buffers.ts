// Every buffer that generation has besides the base's weights, sized once: nothing is allocated per step.

import type { ModelConfig } from "../formats/config.ts";
import type { Device } from "../gpu/device.ts";
import { paddedBytes, type Tensor } from "../gpu/tensor.ts";
import type { MoeTensors } from "../model/moe.ts";
import { mlpRows, operandType } from "../model/shapes.ts";
import { pagedStride, pageTokens, partElements } from "../ops/paged.ts";

/** How large generation may get. */
export interface CacheSizes {
  /** Sequences that run at once. */
  readonly sequences: number;
  /** Tokens of the longest sequence, prompt and answer. */
  readonly contextTokens: number;
  /** Pages of the cache, the first of which is scratch that no sequence owns. */
  readonly pages: number;
  /** Most rows of one step. */
  readonly stepTokens: number;
  /** Most tokens that one submit makes for each sequence. */
  readonly stepsPerSubmit: number;
}

/** What is wished for; the device decides what it gets. */
export interface CacheWishes {
  readonly sequences: number;
  readonly contextTokens: number | undefined;
  readonly cacheBytes: number | undefined;
  readonly stepTokens: number | undefined;
  readonly stepsPerSubmit: number | undefined;
  /** Bytes that the device can still give, where something says. */
  readonly budgetBytes: number | undefined;
}

/** Share of the free memory that the cache takes unless told otherwise; training on the same base needs the rest. */
const cacheShare = 0.5;
const defaultTokensPerSequence = 2048;
/** A CPU adapter's memory is everyone's. */
const softwareCacheBytes = 1 << 30;

/** Bytes that one page takes over all layers. */
export function pageBytes(config: ModelConfig, device: Pick<Device, "tier">): number {
  return 2 * config.layers * layerPageBytes(config, device);
}

function layerPageBytes({ kvHeads, headDim }: ModelConfig, { tier }: Pick<Device, "tier">): number {
  return paddedBytes(operandType(tier), [pageTokens, kvHeads, pagedStride(headDim)]);
}

/** Fits the wishes to the device: a context never needs more pages than there are. */
export function sizeCache(config: ModelConfig, device: Device, wishes: CacheWishes): CacheSizes {
  const perPage = pageBytes(config, device);
  const software = device.facts.software;
  const longest = Math.max(1, wishes.contextTokens ?? config.maxPositionEmbeddings);
  const useful = Math.max(longest, wishes.sequences * Math.min(longest, defaultTokensPerSequence));
  const room = Math.min(
    (wishes.budgetBytes ?? Number.POSITIVE_INFINITY) * cacheShare,
    software ? softwareCacheBytes : Number.POSITIVE_INFINITY,
  );
  const bytes = wishes.cacheBytes ?? Math.min(Math.ceil(useful / pageTokens) * perPage, room);
  const bindable = Math.floor(device.maxBindingBytes / layerPageBytes(config, device)) - 1;
  const pages = Math.max(1, Math.min(Math.floor(bytes / perPage), bindable));
  const contextTokens = Math.min(longest, pages * pageTokens);
  const vocabRows = Math.floor(device.maxBindingBytes / (4 * paddedVocab(config)));
  return {
    sequences: Math.max(1, Math.min(wishes.sequences, vocabRows)),
    contextTokens,
    pages: pages + 1,
    stepTokens: Math.min(
      wishes.stepTokens ?? (software ? 256 : 1024),
      Math.max(contextTokens, wishes.sequences),
    ),
    // A software adapter's step is long against the way to the host and back; requests should not wait for several.
    stepsPerSubmit: wishes.stepsPerSubmit ?? (software ? 1 : 8),
  };
}

/** Elements of a row of logits: rows start where a view may. */
export function paddedVocab({ vocab }: ModelConfig): number {
  return Math.ceil(vocab / 64) * 64;
}

/** The tensors of {@link CacheSizes}. N = stepTokens, S = sequences, the rest as in src/model/shapes.ts. */
export class GenerationBuffers {
  /** Token of each row [N], and its position and row of the page table [N, 2]. */
  readonly ids: Tensor;
  readonly rows: Tensor;
  /** Rows of the step that get logits [S]. */
  readonly logitRows: Tensor;
  /** Pages of each sequence [S + 1, rowPages]; the last row is nobody's and stays on the scratch page. */
  readonly table: Tensor;
  readonly rowPages: number;
  /** Cosine and sine of each position and pair [P, D / 2, 2]. */
  readonly angles: Tensor;
  readonly x: Tensor;
  readonly xn: Tensor;
  readonly rstd: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  /** Before the norms of Qwen3; absent elsewhere. */
  readonly qPre: Tensor | undefined;
  readonly kPre: Tensor | undefined;
  readonly rotated: Tensor;
  readonly attention: Tensor;
  readonly parts: Tensor;
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly h: Tensor;
  /** Routing and rows of the experts; absent without them. */
  readonly moe: Pick<MoeTensors, "routing" | "logits" | "rows" | "outputs"> | undefined;
  readonly headX: Tensor;
  readonly headXn: Tensor;
  /** [S, padded V] f32. */
  readonly logits: Tensor;
  /** What the device chose [stepsPerSubmit, S, 2]. */
  readonly picks: Tensor;
  /** Keys and values of each layer [pages, 16, K, stride]. */
  readonly kPages: readonly Tensor[];
  readonly vPages: readonly Tensor[];
  private readonly made: Tensor[] = [];

  constructor(
    private readonly device: Device,
    config: ModelConfig,
    readonly sizes: CacheSizes,
  ) {
    const { sequences: s, contextTokens, pages, stepTokens: n, stepsPerSubmit } = sizes;
    const { hiddenSize: c, heads, kvHeads, headDim: d, ffn: f, qkNorm, moe } = config;
    const m = n * mlpRows(config);
    const type = operandType(device.tier);
    const make =
      (memoryClass: string) =>
      (label: string, dtype: "f32" | "f16" | "u32", ...shape: number[]) => {
        const tensor = device.tensor(memoryClass, label, dtype, shape);
        this.made.push(tensor);
        return tensor;
      };
    const batch = make("batch");
    const work = make("working set");
    const cache = make("key and value cache");
    this.rowPages = Math.ceil(contextTokens / pageTokens);
    this.ids = batch("ids", "u32", n);
    this.rows = batch("rows", "u32", n, 2);
    this.logitRows = batch("logit rows", "u32", s);
    this.table = batch("page table", "u32", s + 1, this.rowPages);
    this.picks = batch("picks", "u32", stepsPerSubmit, s, 2);
    this.angles = make("rotary tables")("angles", "f32", contextTokens, d / 2, 2);
    this.x = work("x", "f32", n, c);
    this.xn = work("xn", type, n, c);
    this.rstd = work("rstd", "f32", n * (qkNorm ? heads : 1));
    this.q = work("q", "f32", n, heads * d);
    this.k = work("k", "f32", n, kvHeads * d);
    this.v = work("v", "f32", n, kvHeads * d);
    this.qPre = qkNorm ? work("q before its norm", "f32", n, heads * d) : undefined;
    this.kPre = qkNorm ? work("k before its norm", "f32", n, kvHeads * d) : undefined;
    this.rotated = work("rotated q", type, n, heads * d);
    this.attention = work("attention", type, n, heads * d);
    this.parts = work(
      "attention parts",
      "f32",
      partElements({ tokens: s, heads, headDim: d, keys: contextTokens }),
    );
    this.gate = work("gate", type, m, f);
    this.up = work("up", type, m, f);
    this.h = work("h", type, m, f);
    this.moe = moe && {
      routing: {
        chosen: work("chosen experts", "u32", n, moe.topk),
        weights: work("experts' weights", "f32", n, moe.topk),
        rows: work("experts' rows", "u32", m),
        places: work("experts' places", "u32", m),
        segments: work("experts' segments", "u32", moe.experts, 2),
      },
      logits: work("router logits", "f32", n, moe.experts),
      rows: work("experts' x", type, m, c),
      outputs: work("experts' y", "f32", m, c),
    };
    this.headX = work("head x", "f32", s, c);
    this.headXn = work("head xn", type, s, c);
    this.logits = make("logits")("logits", "f32", s, paddedVocab(config));
    const layerPages = (which: string) =>
      Array.from({ length: config.layers }, (_, layer) =>
        cache(`${which} pages ${layer}`, type, pages, pageTokens, kvHeads, pagedStride(d)),
      );
    this.kPages = layerPages("k");
    this.vPages = layerPages("v");
  }

  /** Gives every buffer back. */
  free(): void {
    for (const tensor of this.made) this.device.free(tensor);
    this.made.length = 0;
  }
}
