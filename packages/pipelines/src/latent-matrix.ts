import { type Tensor, tensor } from "@latentkit/core";
import { AutoencoderKL, type LatentCodec } from "@latentkit/models";
import type { LatentMatrix } from "./latent-preview.js";

/** Matrices that others have fitted over many pictures (ComfyUI's `latent_formats.py`), by scaling factor. */
const published: ReadonlyMap<number, LatentMatrix> = new Map([
  // Stable Diffusion 1 and 2
  [
    0.18215,
    [
      [0.3512, 0.2297, 0.3227],
      [0.325, 0.4974, 0.235],
      [-0.2829, 0.1762, 0.2721],
      [-0.212, -0.2616, -0.7177],
    ],
  ],
  // SDXL
  [
    0.13025,
    [
      [0.3651, 0.4232, 0.4341],
      [-0.2533, -0.0042, 0.1068],
      [0.1076, 0.1111, -0.0362],
      [-0.3165, -0.2492, -0.2188],
      [0.1084, -0.0175, -0.0011],
    ],
  ],
]);

const fitted = new WeakMap<LatentCodec, Promise<LatentMatrix>>();

/** The matrix for an autoencoder's latents: the published one of its family, or one fitted to it, once. */
export async function latentMatrix(vae: LatentCodec): Promise<LatentMatrix> {
  const known = publishedMatrix(vae);
  if (known) return known;
  const fit = fitted.get(vae) ?? fitLatentMatrix(vae);
  fitted.set(vae, fit);
  // one that fails is tried again
  fit.catch(() => fitted.delete(vae));
  return fit;
}

function publishedMatrix(vae: LatentCodec): LatentMatrix | undefined {
  if (!(vae instanceof AutoencoderKL) || vae.latentChannels !== 4 || vae.scaleFactor !== 8) return undefined;
  return vae.config.shiftFactor === 0 ? published.get(vae.config.scalingFactor) : undefined;
}

/** Latents along a side of a patch. */
const PATCH = 4;
/** What latents are taken to, either way; theirs spread about 1. */
const AMPLITUDE = 0.8;

/**
 * Fits a matrix to what an autoencoder makes of a few plain patches, in which each channel is up or down by a pattern of
 * its own (Walsh functions). The patterns are orthogonal, so least squares are means.
 *
 * @example
 * ```ts
 * const matrix = await fitLatentMatrix(pipe.components.vae);
 * const [sketch] = latentPreview(latents, matrix);
 * ```
 */
export async function fitLatentMatrix(vae: LatentCodec): Promise<LatentMatrix> {
  const { latentChannels: channels } = vae;
  const patches = 2 ** Math.ceil(Math.log2(channels + 1));
  const seen = patchColours(await vae.decode(patchLatents(channels, patches)), patches);
  const rows = Array.from({ length: channels }, (_, channel) =>
    meanColour(seen, (patch) => sign(patch, channel) / AMPLITUDE),
  );
  return [...rows, meanColour(seen, () => 1)];
}

type Colour = readonly [red: number, green: number, blue: number];

/** +1 or -1: Walsh's function of the channel, the constant left out. */
function sign(patch: number, channel: number): number {
  let bits = patch & (channel + 1);
  let odd = 0;
  for (; bits !== 0; bits &= bits - 1) odd ^= 1;
  return odd === 0 ? 1 : -1;
}

/** Patches side by side, `[1, channels, PATCH, patches · PATCH]`. */
function patchLatents(channels: number, patches: number): Tensor {
  const width = patches * PATCH;
  const data = new Float32Array(channels * PATCH * width);
  for (let i = 0; i < data.length; i++) {
    const patch = Math.floor((i % width) / PATCH);
    data[i] = AMPLITUDE * sign(patch, Math.floor(i / (PATCH * width)));
  }
  return tensor(data, [1, channels, PATCH, width]);
}

/** The mean colour of each patch of a picture `[1, 3, height, width]`. */
function patchColours({ data, shape }: Tensor, patches: number): Colour[] {
  const [, , height = 0, width = 0] = shape;
  const side = width / patches;
  const mean = (patch: number, colour: number) => {
    let sum = 0;
    for (let y = 0; y < height; y++) {
      const row = (colour * height + y) * width + patch * side;
      for (let x = 0; x < side; x++) sum += Math.min(Math.max(data[row + x]!, -1), 1);
    }
    return sum / (height * side);
  };
  return Array.from({ length: patches }, (_, patch) => [mean(patch, 0), mean(patch, 1), mean(patch, 2)] as const);
}

/** The mean of weighted colours. */
function meanColour(colours: readonly Colour[], weight: (patch: number) => number): Colour {
  const mean = (colour: 0 | 1 | 2) =>
    colours.reduce((sum, value, patch) => sum + weight(patch) * value[colour], 0) / colours.length;
  return [mean(0), mean(1), mean(2)];
}
