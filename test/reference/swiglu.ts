// Plain f64 SwiGLU of one element, and its gradients.

function sigmoid(g: number): number {
  return 1 / (1 + Math.exp(-g));
}

/** silu(g) · u */
export function swiglu(g: number, u: number): number {
  return g * sigmoid(g) * u;
}

/** Gradients of g and u from that of h. */
export function swigluBackward(g: number, u: number, dh: number): { dg: number; du: number } {
  const s = sigmoid(g);
  return { dg: dh * u * s * (1 + g * (1 - s)), du: dh * g * s };
}
