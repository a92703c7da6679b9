import { type Tensor, tensor } from "@latentkit/core";
import type { SamplerState } from "./scheduler.js";

/** A tensor as plain JSON. */
export interface SavedTensor {
  readonly shape: readonly number[];
  readonly data: readonly (number | null)[];
}

/** A `SamplerState` as plain JSON. */
export interface SavedState {
  readonly index: number;
  readonly sample: SavedTensor;
  readonly predOriginalSample?: SavedTensor;
  readonly history: readonly SavedTensor[];
  readonly base?: SavedTensor;
  readonly partial?: SavedTensor;
  readonly noiseSeeds?: readonly number[];
}

/**
 * A state as plain JSON, from which `restoreState` continues a run bit for bit. Values that are not finite become NaN.
 *
 * @example
 * ```ts
 * const text = JSON.stringify(saveState(state));
 * const continued = plan.step(restoreState(JSON.parse(text)), modelOutput);
 * ```
 */
export function saveState(state: SamplerState): SavedState {
  const { predOriginalSample, base, partial, noiseSeeds } = state;
  return {
    index: state.index,
    sample: saved(state.sample),
    history: state.history.map(saved),
    ...(predOriginalSample && { predOriginalSample: saved(predOriginalSample) }),
    ...(base && { base: saved(base) }),
    ...(partial && { partial: saved(partial) }),
    ...(noiseSeeds && { noiseSeeds: [...noiseSeeds] }),
  };
}

/** The inverse of `saveState`. @throws RangeError when a shape does not fit its data. */
export function restoreState(state: SavedState): SamplerState {
  const { predOriginalSample, base, partial, noiseSeeds } = state;
  return Object.freeze({
    index: state.index,
    sample: restored(state.sample),
    history: state.history.map(restored),
    ...(predOriginalSample && { predOriginalSample: restored(predOriginalSample) }),
    ...(base && { base: restored(base) }),
    ...(partial && { partial: restored(partial) }),
    ...(noiseSeeds && { noiseSeeds: [...noiseSeeds] }),
  });
}

function saved({ shape, data }: Tensor): SavedTensor {
  return { shape: [...shape], data: [...data] };
}

function restored({ shape, data }: SavedTensor): Tensor {
  return tensor(
    Float32Array.from(data, (value) => value ?? Number.NaN),
    shape,
  );
}
