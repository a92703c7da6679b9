import { type Tensor, tensor, zeros } from "@latentkit/core";
import {
  hasMiddleAttention,
  residualInputs,
  type StateShape,
  type UNetEncoderConfig,
  unetStateShapes,
} from "@latentkit/onnx";
import type { Value } from "@latentkit/runtime";

/** What a ControlNet adds to the hidden states of a UNet. */
export interface ControlResiduals {
  /** For the first convolution and every block on the way down, `[batch, channels, height, width]` or `[…, 1, 1]`. */
  readonly downResiduals: readonly Tensor[];
  /** For the middle, `[batch, channels, height, width]` or `[…, 1, 1]`. */
  readonly midResidual: Tensor;
}

/** What other networks add to the hidden states of a UNet; a batch of 1 serves every item. */
export interface UNetResiduals extends Partial<ControlResiduals> {
  /**
   * What a T2I-Adapter adds inside each block on the way down. One more is for the middle, where it has its size; else,
   * as in Diffusers, it is left out.
   */
  readonly downIntraResiduals?: readonly Tensor[] | undefined;
  /** Whether the middle's self-attention is the identity, so that each place sees itself alone (Ahn et al. 2024). @default false */
  readonly perturbedAttention?: boolean | undefined;
}

/**
 * Feeds for every input of a graph that takes residuals: zeros where there are none.
 *
 * @throws TypeError for a ControlNet's residuals without the other half, and for `perturbedAttention` where the middle
 * has no self-attention.
 * @throws RangeError for another number of them, or another shape, than the UNet has states.
 */
export function residualFeeds(
  config: UNetEncoderConfig,
  sample: Tensor,
  { downResiduals, midResidual, downIntraResiduals, perturbedAttention = false }: UNetResiduals,
): Record<string, Value> {
  if ((downResiduals === undefined) !== (midResidual === undefined)) {
    const [missing, given] = downResiduals ? ["midResidual", "downResiduals"] : ["downResiduals", "midResidual"];
    throw new TypeError(`${missing}: expected beside ${given}; a ControlNet's predict gives both`);
  }
  const [batch = 0, , height = 0, width = 0] = sample.shape;
  const { down, mid, intra } = unetStateShapes(config, height, width);
  checkCount("downResiduals", downResiduals, down.length, down.length);
  checkCount("downIntraResiduals", downIntraResiduals, intra.length - 1, intra.length);
  const features = downIntraResiduals?.filter((value, i) => i < intra.length - 1 || isOfShape(value, mid));
  return Object.fromEntries([
    ...down.map((shape, i): [string, Value] => {
      const accepted = [shape, pooled(shape)];
      return [residualInputs.down(i), checked(`downResiduals[${i}]`, downResiduals?.[i], batch, accepted)];
    }),
    [residualInputs.mid, checked("midResidual", midResidual, batch, [mid, pooled(mid)])],
    ...intra.map((shape, i): [string, Value] => [
      residualInputs.intra(i),
      checked(`downIntraResiduals[${i}]`, features?.[i], batch, [shape]),
    ]),
    ...perturbationFeeds(config, perturbedAttention),
  ]);
}

function perturbationFeeds(config: UNetEncoderConfig, isPerturbed: boolean): [string, Value][] {
  if (hasMiddleAttention(config))
    return [[residualInputs.perturbed, tensor(Float32Array.of(isPerturbed ? 1 : 0), [1])]];
  if (isPerturbed) throw new TypeError("perturbedAttention: this network's middle has no self-attention");
  return [];
}

/** One value for each channel, which broadcasts. */
const pooled = ([channels]: StateShape): StateShape => [channels, 1, 1];

function isOfShape({ shape }: Tensor, state: StateShape): boolean {
  return shape.slice(1).join() === state.join();
}

function checkCount(name: string, values: readonly Tensor[] | undefined, least: number, most: number): void {
  if (!values || (values.length >= least && values.length <= most)) return;
  const expected = least === most ? least : `${least} or ${most}`;
  throw new RangeError(
    `${name}: expected ${expected} tensors, got ${values.length}; they are for a UNet of another family`,
  );
}

/** A residual of one of the accepted shapes, or what adds nothing. */
function checked(name: string, value: Tensor | undefined, batch: number, accepted: readonly StateShape[]): Tensor {
  const [state = [0, 0, 0]] = accepted;
  if (!value) return zeros([1, ...pooled(state)]);
  const [items] = value.shape;
  if (accepted.some((shape) => isOfShape(value, shape)) && (items === batch || items === 1)) return value;
  const expected = `[${batch === 1 ? 1 : `1 or ${batch}`}, ${state.join(", ")}]`;
  throw new RangeError(`${name}: expected shape ${expected}, got [${value.shape.join(", ")}]`);
}
