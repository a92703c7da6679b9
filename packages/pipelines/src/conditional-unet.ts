import type { UNet2DConditionModel } from "@latentkit/models";
import type { Predictor } from "./guided.js";
import type { Disposable } from "./pipeline.js";

/** A text-conditional network as pipelines use it: `UNet2DConditionModel`, or one of your own around it. */
export interface ConditionalUNet extends Predictor, Disposable {
  readonly config: UNet2DConditionModel["config"];
  /** Tells when its networks are opened again. */
  readonly onReopen?: UNet2DConditionModel["onReopen"];
  /** Frees its memory until the next call, where it was opened so. */
  release?(): Promise<void>;
}
