import type { Tensor } from "@latentkit/core";
import type { Session } from "@latentkit/runtime";
import type { NetworkConditions } from "./network-feeds.js";

/** A prediction, and what can stand for most of the next one's work. */
export interface WholePrediction {
  /** What `predict` gives, `[batch, channels, height, width]`. */
  readonly prediction: Tensor;
  /** What enters the layer of the skip connection, `[batch, channels, height, width]` of that layer. */
  readonly deepFeature: Tensor;
}

/**
 * A UNet cut at a skip connection. From one step to the next its deep layers change little, so that their output can
 * stand for them while the shallow ones run anew (Ma et al. 2023, "DeepCache", eq. 6 and 7).
 */
export interface SplitUNet {
  /** Number of the skip connection, 0 the finest: how many more than one of them the shallow part has. */
  readonly branch: number;
  /** Runs everything. @throws what `predict` throws, and TypeError for residuals. */
  whole(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    conditions?: NetworkConditions,
  ): Promise<WholePrediction>;
  /** Runs the shallow part, on top of the deep feature of a whole run. @throws as `whole`. */
  shallow(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    deepFeature: Tensor,
    conditions?: NetworkConditions,
  ): Promise<Tensor>;
}

/** Opens further graphs of one UNet. */
export interface UNetGraphs {
  /** With inputs for residuals. */
  steered(): Promise<Session>;
  /** One that also gives the deep feature of a branch. */
  whole(branch: number): Promise<Session>;
  /** The shallow part of a branch. */
  shallow(branch: number): Promise<Session>;
}
