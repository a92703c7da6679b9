import { checkSameShape, type Tensor } from "./tensor.js";
import { weightedSum } from "./weighted-sum.js";

/** Angles so small that dividing by their sine loses more than the arc differs from the chord. */
const NEARLY_PARALLEL = 1e-3;

/**
 * From one tensor to another along the arc between them: (sin((1 − t)·θ)·a + sin(t·θ)·b) / sin θ (Shoemake 1985).
 * Between two draws of unit noise everything on the way is unit noise again, where `weightedSum` would give less of it
 * in the middle.
 *
 * @param t 0 gives `from`, 1 gives `to`; beyond, the arc goes on.
 * @throws RangeError for different shapes, an infinite `t`, and tensors that point in opposite directions.
 * @example
 * ```ts
 * const between = slerp(torchRandom(1).normal([1, 4, 64, 96]), torchRandom(2).normal([1, 4, 64, 96]), 0.5);
 * ```
 */
export function slerp(from: Tensor, to: Tensor, t: number): Tensor {
  checkSameShape(from, to, "to");
  if (!Number.isFinite(t)) throw new RangeError(`t: expected a finite number, got ${t}`);
  const angle = angleBetween(from, to);
  if (Math.PI - angle < NEARLY_PARALLEL)
    throw new RangeError("to: expected no opposite of from, between which every arc is as long");
  const [a, b] =
    angle < NEARLY_PARALLEL
      ? [1 - t, t]
      : [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return weightedSum([
    [a, from],
    [b, to],
  ]);
}

/** In radians; 0 beside a tensor of zeros, which points nowhere. */
function angleBetween(from: Tensor, to: Tensor): number {
  const length = Math.sqrt(dot(from, from) * dot(to, to));
  return length === 0 ? 0 : Math.acos(Math.min(1, Math.max(-1, dot(from, to) / length)));
}

function dot({ data: a }: Tensor, { data: b }: Tensor): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
