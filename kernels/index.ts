// Every kernel by name, as text, so that the compiled binary carries them. One line a file, in alphabetical order.
import adamw from "./adamw.wgsl" with { type: "text" };
import add from "./add.wgsl" with { type: "text" };
import add_bias from "./add_bias.wgsl" with { type: "text" };
import attention_delta from "./attention_delta.wgsl" with { type: "text" };
import convert from "./convert.wgsl" with { type: "text" };
import cross_entropy from "./cross_entropy.wgsl" with { type: "text" };
import dropout from "./dropout.wgsl" with { type: "text" };
import dropout_add from "./dropout_add.wgsl" with { type: "text" };
import embed from "./embed.wgsl" with { type: "text" };
import gather_rows from "./gather_rows.wgsl" with { type: "text" };
import grad_norm from "./grad_norm.wgsl" with { type: "text" };
import random_library from "./lib/random.wgsl" with { type: "text" };
import reduce_library from "./lib/reduce.wgsl" with { type: "text" };
import swiglu_library from "./lib/swiglu.wgsl" with { type: "text" };
import matmul_software from "./matmul_software.wgsl" with { type: "text" };
import rms_norm_backward from "./rms_norm_backward.wgsl" with { type: "text" };
import rms_norm_backward_in_place from "./rms_norm_backward_in_place.wgsl" with { type: "text" };
import rms_norm_forward from "./rms_norm_forward.wgsl" with { type: "text" };
import rope from "./rope.wgsl" with { type: "text" };
import rope_in_place from "./rope_in_place.wgsl" with { type: "text" };
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
  attention_delta,
  convert,
  cross_entropy,
  dropout,
  dropout_add,
  embed,
  gather_rows,
  grad_norm,
  matmul_software,
  rms_norm_backward,
  rms_norm_backward_in_place,
  rms_norm_forward,
  rope,
  rope_in_place,
  scatter_rows,
  sum_squares,
  swiglu_backward,
  swiglu_backward_in_place,
  swiglu_forward,
  uniform_noise,
};

/** Shared functions, appended whole by `// include: name`. */
export const library: Readonly<Record<string, string>> = {
  random: random_library,
  reduce: reduce_library,
  swiglu: swiglu_library,
};
