// The tensors that one layer's forward leaves for its backward, and those that live only within a layer. Shapes: memory-plan.ts.

import { type LinearName, linearNames } from "../formats/tensor-names.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Routing } from "../ops/moe.ts";
import type { Arena } from "./arena.ts";
import type { LinearScratch } from "./linear.ts";
import type { MoeTensors } from "./moe.ts";

/** Kept from a layer's forward for its backward. */
export interface Activations {
  readonly rstd1: Tensor;
  readonly xn1: Tensor;
  /** Before the norms of Qwen3; absent elsewhere. */
  readonly qPre: Tensor | undefined;
  readonly kPre: Tensor | undefined;
  readonly rstdQ: Tensor | undefined;
  readonly rstdK: Tensor | undefined;
  /** After rotation. */
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly attention: Tensor;
  readonly lse: Tensor;
  readonly x2: Tensor;
  readonly rstd2: Tensor;
  readonly xn2: Tensor;
  readonly gate: Tensor;
  readonly up: Tensor;
  /** Who got which token; absent without experts. */
  readonly routing: Routing | undefined;
  /** Inner values of each LoRA branch. */
  readonly t: Readonly<Partial<Record<LinearName, Tensor>>>;
}

/** Lives within one layer's forward or backward; the backward part only when training. */
export interface Working {
  readonly qF32: Tensor | undefined;
  readonly kF32: Tensor | undefined;
  readonly h: Tensor;
  /** Absent without experts. */
  readonly moe: Pick<MoeTensors, "logits" | "rows" | "outputs"> | undefined;
  readonly linear: LinearScratch;
  readonly backward: BackwardWorking | undefined;
}

/** Gradients within one layer, f32. */
export interface BackwardWorking {
  /** Gradient of the residual stream, carried from layer to layer. */
  readonly dx: Tensor;
  readonly dxn: Tensor;
  readonly dq: Tensor;
  readonly dk: Tensor;
  readonly dv: Tensor;
  readonly dattention: Tensor;
  readonly delta: Tensor;
  readonly dh: Tensor;
  readonly dgate: Tensor;
  readonly dup: Tensor;
  /** Of the experts' weights [N, K]; absent without experts. */
  readonly dweights: Tensor | undefined;
}

/** Makes activation set `set` of a plan. */
export function takeActivations(arena: Arena, set: number): Activations {
  const take = (name: string) => arena.take(`${name}#${set}`);
  const maybe = (name: string) => (arena.has(`${name}#${set}`) ? take(name) : undefined);
  const t: Partial<Record<LinearName, Tensor>> = {};
  for (const name of linearNames) {
    const inner = maybe(`${name}.t`);
    if (inner) t[name] = inner;
  }
  return {
    rstd1: take("rstd1"),
    xn1: take("xn1"),
    qPre: maybe("q_pre"),
    kPre: maybe("k_pre"),
    rstdQ: maybe("rstd_q"),
    rstdK: maybe("rstd_k"),
    q: take("q"),
    k: take("k"),
    v: take("v"),
    attention: take("attention"),
    lse: take("lse"),
    x2: take("x2"),
    rstd2: take("rstd2"),
    xn2: take("xn2"),
    gate: take("gate"),
    up: take("up"),
    routing: arena.has(`chosen#${set}`)
      ? {
          chosen: take("chosen"),
          weights: take("expert_weights"),
          rows: take("expert_rows"),
          places: take("expert_places"),
          segments: take("expert_segments"),
        }
      : undefined,
    t,
  };
}

/** Makes the shared tensors of a plan. */
export function takeWorking(arena: Arena): Working {
  const maybe = (name: string) => (arena.has(name) ? arena.take(name) : undefined);
  const backward = arena.has("dx")
    ? {
        dx: arena.take("dx"),
        dxn: arena.take("dxn"),
        dq: arena.take("dq"),
        dk: arena.take("dk"),
        dv: arena.take("dv"),
        dattention: arena.take("dattention"),
        delta: arena.take("delta"),
        dh: arena.take("dh"),
        dgate: arena.take("dgate"),
        dup: arena.take("dup"),
        dweights: maybe("dweights"),
      }
    : undefined;
  return {
    qF32: maybe("q_f32"),
    kF32: maybe("k_f32"),
    h: arena.take("h"),
    moe: arena.has("router_logits")
      ? {
          logits: arena.take("router_logits"),
          rows: arena.take("expert_x"),
          outputs: arena.take("expert_y"),
        }
      : undefined,
    linear: { dt: maybe("dt"), dropped: maybe("dropped"), dDropped: maybe("d_dropped") },
    backward,
  };
}
