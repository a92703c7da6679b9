import { checkSameShape, sizeOf, type Tensor, tensor } from "@latentkit/core";

/** What a network that also learns its variance returns. */
export interface LearnedVariance {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/**
 * Takes an output `[batch, 2 c, height, width]` apart into the prediction and the variance of a sample `[batch, c, …]`.
 *
 * @throws RangeError when the output has not twice the sample's channels.
 */
export function splitChannels(output: Tensor, sample: Tensor): LearnedVariance {
  const [batch = 0, channels = 0, ...rest] = sample.shape;
  checkSameShape({ shape: [batch, 2 * channels, ...rest] }, output, "modelOutput, prediction and variance");
  const size = channels * sizeOf(rest);
  const half = (at: 0 | 1): Tensor => {
    const data = new Float32Array(batch * size);
    for (let i = 0; i < batch; i++) {
      const from = (2 * i + at) * size;
      data.set(output.data.subarray(from, from + size), i * size);
    }
    return tensor(data, sample.shape);
  };
  return { mean: half(0), variance: half(1) };
}
