import { type Tensor, weightedSum } from "@latentkit/core";
import type { Guidance } from "./guidance.js";
import { checkFinite } from "./option-checks.js";
import { type GuidanceOptions, settleGuidance } from "./sampling-options.js";

/**
 * Guidance by a text and by a picture: ε = ε_∅ + s_I·(ε_I − ε_∅) + s_T·(ε_IT − ε_I) (Brooks et al. 2023, eq. 3), from
 * three predictions: told neither, the picture alone, both.
 *
 * @param guidanceScale s_T.
 * @param imageGuidanceScale s_I.
 * @example
 * ```ts
 * const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, textAndImage(7.5, 1.5));
 * ```
 */
export function textAndImage(guidanceScale: number, imageGuidanceScale: number): Guidance {
  return async (predictions) => {
    if (predictions.parts !== 3) throw new RangeError(`context: expected 3 parts, got ${predictions.parts}`);
    const [neither, image, both] = (await predictions.all()) as [Tensor, Tensor, Tensor];
    return weightedSum([
      [1 - imageGuidanceScale, neither],
      [imageGuidanceScale - guidanceScale, image],
      [guidanceScale, both],
    ]);
  };
}

/** The guidance of a run by both, which are on together or not at all, as in Diffusers; undefined where they are off. */
export function settleTextAndImage(
  options: Pick<GuidanceOptions, "guidanceScale" | "guidance"> & { readonly imageGuidanceScale?: number },
): Guidance | undefined {
  const { guidanceScale, guidance } = settleGuidance(options, 7.5, {});
  const { imageGuidanceScale = 1.5 } = options;
  checkFinite("imageGuidanceScale", imageGuidanceScale);
  if (imageGuidanceScale < 1) throw new RangeError(`imageGuidanceScale: expected 1 or more, got ${imageGuidanceScale}`);
  return guidance ?? (guidanceScale > 1 ? textAndImage(guidanceScale, imageGuidanceScale) : undefined);
}
