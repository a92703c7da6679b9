import { contiguous, type Tensor, tensor, weightedSum } from "@latentkit/core";
import type { ControlResiduals } from "./residual-feeds.js";

/**
 * The sum of several ControlNets' residuals: they steer together (Diffusers' `MultiControlNetModel`).
 * A batch of 1, and residuals that are the same everywhere in the picture, go with larger ones.
 *
 * @throws RangeError when there is none, or when they are not of one family's ControlNets on one size of latents.
 * @example
 * ```ts
 * const edges = await controlNet.predict(latents, 999, context, condition);
 * const depth = await controlNet.predict(latents, 999, context, condition, { scale: 0.5 });
 * const noise = await unet.predict(latents, 999, context, addResiduals([edges, depth]));
 * ```
 */
export function addResiduals(sets: readonly ControlResiduals[]): ControlResiduals {
  const [first] = sets;
  if (!first) throw new RangeError("sets: expected at least one ControlNet's residuals, got none");
  for (const [k, { downResiduals }] of sets.entries())
    if (downResiduals.length !== first.downResiduals.length)
      throw new RangeError(
        `sets[${k}].downResiduals: expected ${first.downResiduals.length} tensors, got ${downResiduals.length}`,
      );
  return {
    downResiduals: first.downResiduals.map((_, i) => sum(sets.map(({ downResiduals }) => downResiduals[i]!))),
    midResidual: sum(sets.map(({ midResidual }) => midResidual)),
  };
}

function sum(values: readonly Tensor[]): Tensor {
  const [largest] = values.toSorted((a, b) => b.data.length - a.data.length);
  const { shape = [] } = largest ?? {};
  return weightedSum(values.map((value) => [1, broadcast(contiguous(value), shape)]));
}

/** A batch of 1, or one value for all pixels, at a larger shape `[batch, channels, height, width]`. */
function broadcast(value: Tensor, shape: readonly number[]): Tensor {
  if (value.shape.join() === shape.join()) return value;
  const [items = 0, channels = 0, height = 0, width = 0] = value.shape;
  const [batch = 0, wanted = 0, H = 0, W = 0] = shape;
  const isPooled = height === 1 && width === 1;
  const fits = channels === wanted && (items === batch || items === 1) && (isPooled || (height === H && width === W));
  if (!fits)
    throw new RangeError(
      `sets: expected residuals of one shape, got [${shape.join(", ")}] and [${value.shape.join(", ")}]`,
    );
  const area = height * width;
  const data = new Float32Array(batch * channels * H * W);
  for (let plane = 0; plane < batch * channels; plane++) {
    const from = (plane % (items * channels)) * area;
    const target = data.subarray(plane * H * W, (plane + 1) * H * W);
    if (isPooled) target.fill(value.data[from]!);
    else target.set(value.data.subarray(from, from + area));
  }
  return tensor(data, shape);
}
