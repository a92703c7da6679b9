import { concat, slice, type Tensor, tensor } from "@latentkit/core";

/** The first input channels of a convolution, `[out, in, height, width]`. */
export function firstChannels(weight: Tensor, count: number): Tensor {
  const [out = 0, channels = 0, height = 1, width = 1] = weight.shape;
  const rows = tensor(weight.data, [out * channels, height * width]);
  const kept = Array.from({ length: out }, (_, i) => slice(rows, i * channels, i * channels + count));
  return tensor(concat(kept).data, [out, count, height, width]);
}

/** More input channels after those of a convolution, `[out, in, height, width]`. */
export function moreChannels(weight: Tensor, more: Tensor): Tensor {
  const [out = 0, channels = 0, height = 1, width = 1] = weight.shape;
  const [, added = 0] = more.shape;
  const rows = (value: Tensor, count: number) => tensor(value.data, [out * count, height * width]);
  const joined = Array.from({ length: out }, (_, i) => [
    slice(rows(weight, channels), i * channels, (i + 1) * channels),
    slice(rows(more, added), i * added, (i + 1) * added),
  ]);
  return tensor(concat(joined.flat()).data, [out, channels + added, height, width]);
}
