// Every kernel by name, as text, so that the compiled binary carries them. One line a file, in alphabetical order.
import adamw from "./adamw.wgsl" with { type: "text" };
import add from "./add.wgsl" with { type: "text" };
import add_bias from "./add_bias.wgsl" with { type: "text" };
import argmax from "./argmax.wgsl" with { type: "text" };
import attention_backward_kv from "./attention_backward_kv.wgsl" with { type: "text" };
import attention_backward_kv_software from "./attention_backward_kv_software.wgsl" with { type: "text" };
import attention_backward_q from "./attention_backward_q.wgsl" with { type: "text" };
import attention_backward_q_software from "./attention_backward_q_software.wgsl" with { type: "text" };
import attention_delta from "./attention_delta.wgsl" with { type: "text" };
import attention_forward from "./attention_forward.wgsl" with { type: "text" };
import attention_forward_software from "./attention_forward_software.wgsl" with { type: "text" };
import attention_paged from "./attention_paged.wgsl" with { type: "text" };
import attention_paged_software from "./attention_paged_software.wgsl" with { type: "text" };
import attention_paged_sum from "./attention_paged_sum.wgsl" with { type: "text" };
import column_sum from "./column_sum.wgsl" with { type: "text" };
import convert from "./convert.wgsl" with { type: "text" };
import copy_peak from "./copy_peak.wgsl" with { type: "text" };
import cross_entropy from "./cross_entropy.wgsl" with { type: "text" };
import dequantise_4bit from "./dequantise_4bit.wgsl" with { type: "text" };
import dropout from "./dropout.wgsl" with { type: "text" };
import dropout_add from "./dropout_add.wgsl" with { type: "text" };
import embed from "./embed.wgsl" with { type: "text" };
import embed_backward from "./embed_backward.wgsl" with { type: "text" };
import fma_peak from "./fma_peak.wgsl" with { type: "text" };
import gather_rows from "./gather_rows.wgsl" with { type: "text" };
import gemv from "./gemv.wgsl" with { type: "text" };
import gemv_4bit from "./gemv_4bit.wgsl" with { type: "text" };
import gemv_4bit_software from "./gemv_4bit_software.wgsl" with { type: "text" };
import gemv_software from "./gemv_software.wgsl" with { type: "text" };
import grad_norm from "./grad_norm.wgsl" with { type: "text" };
import attention_gap_library from "./lib/attention_gap.wgsl" with { type: "text" };
import attention_rows_library from "./lib/attention_rows.wgsl" with { type: "text" };
import attention_tile_library from "./lib/attention_tile.wgsl" with { type: "text" };
import clamp_to_half_library from "./lib/clamp_to_half.wgsl" with { type: "text" };
import column_library from "./lib/column.wgsl" with { type: "text" };
import four_bit_select_library from "./lib/four_bit_select.wgsl" with { type: "text" };
import gemv_store_library from "./lib/gemv_store.wgsl" with { type: "text" };
import random_library from "./lib/random.wgsl" with { type: "text" };
import reduce_library from "./lib/reduce.wgsl" with { type: "text" };
import round_stored_library from "./lib/round_stored.wgsl" with { type: "text" };
import segment_library from "./lib/segment.wgsl" with { type: "text" };
import subgroup_spread_library from "./lib/subgroup_spread.wgsl" with { type: "text" };
import swiglu_library from "./lib/swiglu.wgsl" with { type: "text" };
import matmul_matrix from "./matmul_matrix.wgsl" with { type: "text" };
import matmul_software from "./matmul_software.wgsl" with { type: "text" };
import matmul_software_aligned from "./matmul_software_aligned.wgsl" with { type: "text" };
import matmul_sum from "./matmul_sum.wgsl" with { type: "text" };
import matmul_tile from "./matmul_tile.wgsl" with { type: "text" };
import moe_combine from "./moe_combine.wgsl" with { type: "text" };
import moe_route from "./moe_route.wgsl" with { type: "text" };
import moe_route_backward from "./moe_route_backward.wgsl" with { type: "text" };
import moe_sort from "./moe_sort.wgsl" with { type: "text" };
import moe_weigh_rows from "./moe_weigh_rows.wgsl" with { type: "text" };
import moe_weight_backward from "./moe_weight_backward.wgsl" with { type: "text" };
import rms_norm_backward from "./rms_norm_backward.wgsl" with { type: "text" };
import rms_norm_backward_in_place from "./rms_norm_backward_in_place.wgsl" with { type: "text" };
import rms_norm_forward from "./rms_norm_forward.wgsl" with { type: "text" };
import rms_norm_weight_backward from "./rms_norm_weight_backward.wgsl" with { type: "text" };
import rope from "./rope.wgsl" with { type: "text" };
import rope_in_place from "./rope_in_place.wgsl" with { type: "text" };
import rope_paged from "./rope_paged.wgsl" with { type: "text" };
import row_mean from "./row_mean.wgsl" with { type: "text" };
import scale_rows from "./scale_rows.wgsl" with { type: "text" };
import scatter_rows from "./scatter_rows.wgsl" with { type: "text" };
import sum_squares from "./sum_squares.wgsl" with { type: "text" };
import swiglu_backward from "./swiglu_backward.wgsl" with { type: "text" };
import swiglu_backward_in_place from "./swiglu_backward_in_place.wgsl" with { type: "text" };
import swiglu_forward from "./swiglu_forward.wgsl" with { type: "text" };
import uniform_noise from "./uniform_noise.wgsl" with { type: "text" };

/** Kernel sources by name; the name is the file's and the entry point's. */
export const kernels: Readonly<Record<string, string>> = {
  adamw,
  add,
  add_bias,
  argmax,
  attention_backward_kv,
  attention_backward_kv_software,
  attention_backward_q,
  attention_backward_q_software,
  attention_delta,
  attention_forward,
  attention_forward_software,
  attention_paged,
  attention_paged_software,
  attention_paged_sum,
  column_sum,
  convert,
  copy_peak,
  cross_entropy,
  dequantise_4bit,
  dropout,
  dropout_add,
  embed,
  embed_backward,
  fma_peak,
  gather_rows,
  gemv,
  gemv_4bit,
  gemv_4bit_software,
  gemv_software,
  grad_norm,
  matmul_matrix,
  matmul_software,
  matmul_software_aligned,
  matmul_sum,
  matmul_tile,
  moe_combine,
  moe_route,
  moe_route_backward,
  moe_sort,
  moe_weigh_rows,
  moe_weight_backward,
  rms_norm_backward,
  rms_norm_backward_in_place,
  rms_norm_forward,
  rms_norm_weight_backward,
  rope,
  rope_in_place,
  rope_paged,
  row_mean,
  scale_rows,
  scatter_rows,
  sum_squares,
  swiglu_backward,
  swiglu_backward_in_place,
  swiglu_forward,
  uniform_noise,
};

/** Shared functions, appended whole by `// include: name`. */
export const library: Readonly<Record<string, string>> = {
  attention_gap: attention_gap_library,
  attention_rows: attention_rows_library,
  attention_tile: attention_tile_library,
  clamp_to_half: clamp_to_half_library,
  column: column_library,
  four_bit_select: four_bit_select_library,
  gemv_store: gemv_store_library,
  random: random_library,
  reduce: reduce_library,
  round_stored: round_stored_library,
  segment: segment_library,
  subgroup_spread: subgroup_spread_library,
  swiglu: swiglu_library,
};
