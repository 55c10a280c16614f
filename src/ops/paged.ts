// Keys and values in pages of a cache: rotation and writing, and attention of single queries through a page table.

import type { Device } from "../gpu/device.ts";
import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** Positions of a page: PAGE of the kernels. */
export const pageTokens = 16;

/** Keys that one workgroup takes of a long context, where it is split. */
const splitKeys = 512;

/** Largest head width that the kernels hold. */
const maxHeadDim = 256;

/** What the pages of one layer look like. H = heads, K = kvHeads (divides heads), D = headDim. */
export interface PagedSizes {
  /** Rows of queries. */
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Pages in a row of the page table. */
  readonly rowPages: number;
}

/** Elements from one head's key to the next in a page: whole vec4. */
export function pagedStride(headDim: number): number {
  return Math.ceil(headDim / 4) * 4;
}

/** Elements of workspace that {@link attentionPaged} wants to split the contexts of `tokens` rows of at most `keys` keys. */
export function partElements(s: { tokens: number; heads: number; headDim: number; keys: number }): number {
  const splits = Math.ceil(s.keys / splitKeys);
  return splits > 1 ? s.tokens * s.heads * splits * (s.headDim + 2) : 0;
}

/** Rotates q and k by their positions and writes k and v into their pages. q [N, H, D], k, v [N, K, D] f32; rows [N, 2] u32:
 *  position and row of the page table; table [sequences, rowPages] u32; angles [positions, D / 2, 2] f32: cosine, sine;
 *  rotated [N, H, D] and the pages [pages, 16, K, stride] of one type, f32 or f16. Su et al. 2021, eq. 34. */
export function ropePaged(
  stream: Stream,
  t: {
    q: Tensor;
    k: Tensor;
    v: Tensor;
    rows: Tensor;
    table: Tensor;
    angles: Tensor;
    rotated: Tensor;
    kPages: Tensor;
    vPages: Tensor;
  },
  s: PagedSizes,
): void {
  const op = "ropePaged";
  const { tokens, heads, kvHeads, headDim } = s;
  checkPaged(op, t, s);
  if (headDim % 2 !== 0) throw new Error(`${op}: headDim must be even, got ${headDim}`);
  checkTensor(op, "q", t.q, ["f32"], tokens * heads * headDim);
  checkTensor(op, "k", t.k, ["f32"], tokens * kvHeads * headDim);
  checkTensor(op, "v", t.v, ["f32"], tokens * kvHeads * headDim);
  checkTensor(op, "angles", t.angles, ["f32"], headDim);
  checkTensor(op, "rotated", t.rotated, operand, tokens * heads * headDim);
  checkDistinct(op, { ...t });
  if (tokens === 0) return;
  const { q, k, v, rows, table, angles, rotated, kPages, vPages } = t;
  stream.dispatch(
    stream.device.kernels.get("rope_paged", { T: rotated.dtype }),
    { q, k, v, rows, table, angles, rotated, k_pages: kPages, v_pages: vPages },
    {
      tokens,
      heads,
      kv_heads: kvHeads,
      half_dim: headDim / 2,
      stride: pagedStride(headDim),
      row_pages: s.rowPages,
    },
    elementGrid(tokens * (heads + 2 * kvHeads) * (headDim / 2)),
  );
}

/** out[i] = softmax(scale · q[i] k) v over the keys that row i sees: positions max(0, p - window + 1) .. p of its sequence, with p
 *  its own position. q, out [N, H, D] and the pages of one type; parts f32 is workspace: where it has {@link partElements}, long
 *  contexts are split over workgroups; `keys`: at least the longest context of the rows; the rest as in {@link ropePaged}.
 *  Dao et al. 2023, "Flash-Decoding"; Kwon et al. 2023, "PagedAttention". */
export function attentionPaged(
  stream: Stream,
  t: {
    q: Tensor;
    kPages: Tensor;
    vPages: Tensor;
    rows: Tensor;
    table: Tensor;
    out: Tensor;
    parts: Tensor;
  },
  s: PagedSizes & { keys: number; window: number | undefined; scale: number },
): void {
  const op = "attentionPaged";
  const { tokens, heads, kvHeads, headDim, window = 0 } = s;
  checkPaged(op, t, s);
  checkSizes(op, { keys: s.keys }, 1);
  checkSizes(op, { window });
  const wanted = partElements(s);
  const splits = wanted > 0 && wanted <= t.parts.length ? Math.ceil(s.keys / splitKeys) : 1;
  checkTensor(op, "q", t.q, operand, tokens * heads * headDim);
  checkTensor(op, "out", t.out, [t.q.dtype], tokens * heads * headDim);
  checkTensor(op, "parts", t.parts, ["f32"], 0);
  checkDistinct(op, { ...t });
  if (tokens === 0) return;
  const { q, kPages, vPages, rows, table, out, parts } = t;
  const stride = pagedStride(headDim);
  const { kernel, groups } = attentionKernel(stream.device, s, q.dtype);
  stream.dispatch(
    kernel,
    { q, k_pages: kPages, v_pages: vPages, rows, table, out, parts },
    {
      heads,
      kv_heads: kvHeads,
      head_dim: headDim,
      stride,
      row_pages: s.rowPages,
      window,
      splits,
      split: splits > 1 ? splitKeys : s.keys,
      lanes: stream.device.facts.subgroupMin,
      scale: s.scale,
    },
    [tokens, groups, splits],
  );
  if (splits > 1)
    stream.dispatch(
      stream.device.kernels.get("attention_paged_sum", { T: out.dtype }),
      { parts, out },
      { rows: tokens * heads, splits, head_dim: headDim },
      foldedGrid(Math.ceil((tokens * heads * headDim) / 64)),
    );
}

function attentionKernel({ kernels, tier, facts }: Device, s: PagedSizes, dtype: string) {
  const { heads, kvHeads, headDim } = s;
  if (tier !== "software") return { kernel: kernels.get("attention_paged", { T: dtype }), groups: heads };
  const lanes = facts.subgroupMin;
  const share = heads / kvHeads;
  // Two at once halve the loads; more cost seconds of compilation.
  const bundle = Math.min(2, share);
  const spec = {
    LANES: lanes,
    HEADS: bundle,
    VECS: [1, 2, 4, 8, 16].find((vectors) => vectors * lanes * 4 >= headDim)!,
  };
  return {
    kernel: kernels.get("attention_paged_software", spec),
    groups: kvHeads * Math.ceil(share / bundle),
  };
}

function checkPaged(
  op: string,
  t: { rows: Tensor; table: Tensor; kPages: Tensor; vPages: Tensor },
  s: PagedSizes,
): void {
  const { tokens, heads, kvHeads, headDim, rowPages } = s;
  checkSizes(op, { tokens });
  checkSizes(op, { heads, kvHeads, headDim, rowPages }, 1);
  if (heads % kvHeads !== 0)
    throw new Error(`${op}: heads must be a multiple of kvHeads, got ${heads} and ${kvHeads}`);
  if (headDim > maxHeadDim) throw new Error(`${op}: headDim must be at most ${maxHeadDim}, got ${headDim}`);
  checkTensor(op, "rows", t.rows, ["u32"], 2 * tokens);
  checkTensor(op, "table", t.table, ["u32"], rowPages);
  const page = pageTokens * kvHeads * pagedStride(headDim);
  checkTensor(op, "kPages", t.kPages, operand, page);
  checkTensor(op, "vPages", t.vPages, [t.kPages.dtype], page);
}
