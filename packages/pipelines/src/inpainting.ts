import { concatChannels, type Tensor, tensor, zeros } from "@latentkit/core";
import type { LatentCodec } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import type { ConditionalUNet } from "./conditional-unet.js";
import type { Predictor } from "./guided.js";
import { inTurn } from "./in-turn.js";
import type { Canvas } from "./inpaint-canvas.js";
import type { InpaintRequest } from "./inpaint-request.js";
import { checkTensor } from "./option-checks.js";
import { release } from "./release.js";
import type { RunTools } from "./run.js";
import type { RunWindow } from "./run-window.js";
import { withChannels } from "./with-channels.js";

/** How a run begins, and what keeps the rest of the picture. */
export interface Inpainting {
  readonly from: SamplerState;
  /** The network; one for inpainting sees mask and rest of the picture beside the latents. */
  readonly predictor: Predictor;
  /** For other networks: the picture, as noisy as the state, wherever the mask is black. */
  readonly keep: (state: SamplerState) => SamplerState;
}

/** How much of a run's beginning is noise. */
export interface InpaintLevels {
  /** 1 begins from noise alone. */
  readonly strength: number;
  /** Whether the picture's latents are as noisy as the first level already. */
  readonly isNoisy?: boolean;
}

/**
 * Encodes the picture and draws the noise, in Diffusers' order: the picture where its latents are needed, the noise, the
 * picture without the masked part.
 *
 * @throws RangeError for latents of another size than the run's, and for a picture as latents where the network has to
 * see the picture.
 */
export async function beginInpainting(
  { unet, vae }: { readonly unet: ConditionalUNet; readonly vae: LatentCodec },
  canvas: Canvas,
  request: InpaintRequest,
  window: RunWindow,
  { strength, isNoisy = false }: InpaintLevels,
  tools: RunTools,
): Promise<Inpainting> {
  const { images, latents } = request;
  const mask = inTurn(latentMask(canvas.mask, vae.scaleFactor), images, "maskImage");
  const shape = [images, vae.latentChannels, ...mask.shape.slice(2)];
  if (latents) checkTensor(latents, shape.join(" "), "latents");
  const isBlended = unet.config.inChannels === vae.latentChannels;
  const needsPicture = isBlended || isNoisy || (strength < 1 && !latents);
  const picture = needsPicture ? inTurn(await encoded(vae, canvas.image, tools), images, "image") : undefined;
  const noise = latents ?? tools.random.normal(shape);
  const rest = await restOfPicture(vae, canvas, request, tools);
  await release(vae);
  const from = firstState(window, noise, latents || strength === 1 ? undefined : picture, isNoisy);
  if (isBlended && picture)
    return { from, predictor: unet, keep: (state) => kept(state, mask, picture, noise, window) };
  if (!rest)
    throw new RangeError("image: this network sees the picture; expected pixels, or maskedImageLatents beside latents");
  const seen = concatChannels([mask, inTurn(rest, images, "maskedImageLatents")]);
  return { from, predictor: withChannels(unet, seen), keep: (state) => state };
}

/** The picture's own latents, for a run that has nothing to paint. */
export async function untouchedLatents(
  vae: LatentCodec,
  { image }: Canvas,
  { images }: InpaintRequest,
  { onWarning }: RunTools,
): Promise<Tensor> {
  const message = "prompt is not used: maskImage is all black, and the picture is given back as it is";
  onWarning({ code: "ignored-option", message });
  const latents = inTurn(isLatent(image, vae) ? image : await vae.encode(image), images, "image");
  await release(vae);
  return latents;
}

/** What was painted as a picture; one that was left alone does not pass through the autoencoder. */
export async function decodeCanvas(vae: LatentCodec, { image, isUntouched }: Canvas, latents: Tensor): Promise<Tensor> {
  if (!isUntouched || isLatent(image, vae)) return vae.decode(latents);
  return inTurn(image, latents.shape[0] ?? 1, "image");
}

/** Drawn from the first generators where each picture of the run has one of its own. */
async function encoded(vae: LatentCodec, image: Tensor, { encodingOf }: RunTools): Promise<Tensor> {
  return isLatent(image, vae) ? image : vae.encode(image, encodingOf(image.shape[0] ?? 1));
}

/** The picture with grey in place of the masked part, encoded also where it is only for the draw's sake; of latents none. */
async function restOfPicture(
  vae: LatentCodec,
  { image, mask }: Canvas,
  { maskedImageLatents, images }: InpaintRequest,
  tools: RunTools,
): Promise<Tensor | undefined> {
  if (maskedImageLatents) {
    const [, , height, width] = image.shape.map((side) => (isLatent(image, vae) ? side : side / vae.scaleFactor));
    checkTensor(maskedImageLatents, `images ${vae.latentChannels} ${height} ${width}`, "maskedImageLatents");
    return maskedImageLatents;
  }
  if (isLatent(image, vae)) return undefined;
  const count = Math.max(image.shape[0] ?? 1, mask.shape[0] ?? 1);
  const [pictures, masks] = [inTurn(image, count, "image"), inTurn(mask, count, "maskImage")];
  return inTurn(await encoded(vae, select(masks, zeros(pictures.shape), pictures), tools), images, "image");
}

const isLatent = (image: Tensor, { latentChannels }: LatentCodec): boolean => image.shape[1] === latentChannels;

function firstState(
  { plan, begin }: RunWindow,
  noise: Tensor,
  picture: Tensor | undefined,
  isNoisy: boolean,
): SamplerState {
  if (!picture) return plan.state(plan.start(noise).sample, begin);
  return plan.state(isNoisy ? picture : plan.addNoise(picture, noise, begin), begin);
}

/** The state inside the mask, and the picture at the same level outside; after the last step the picture itself. */
function kept(
  state: SamplerState,
  mask: Tensor,
  picture: Tensor,
  noise: Tensor,
  { plan, end }: RunWindow,
): SamplerState {
  const { index, sample, predOriginalSample } = state;
  const outside = index === end ? picture : plan.addNoise(picture, noise, index);
  return {
    ...state,
    sample: select(mask, sample, outside),
    ...(predOriginalSample && { predOriginalSample: select(mask, predOriginalSample, picture) }),
  };
}

/** `[B, 1, H, W]` → `[B, 1, H / factor, W / factor]`: the upper left pixel of each latent (torch's nearest interpolation). */
function latentMask(mask: Tensor, factor: number): Tensor {
  const [batch = 0, , height = 0, width = 0] = mask.shape;
  const [rows, columns] = [height / factor, width / factor];
  const data = Float32Array.from({ length: batch * rows * columns }, (_, i) => {
    const [item, y, x] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
    return mask.data[(item * height + y * factor) * width + x * factor]!;
  });
  return tensor(data, [batch, 1, rows, columns]);
}

/** `inside` where the mask, `[B, 1, H, W]`, is 1, else `outside`; both `[B, C, H, W]`. */
function select(mask: Tensor, inside: Tensor, outside: Tensor): Tensor {
  const [, channels = 1, height = 0, width = 0] = inside.shape;
  const area = height * width;
  const data = inside.data.map((value, i) => {
    const item = Math.floor(i / (channels * area));
    return mask.data[item * area + (i % area)] === 1 ? value : outside.data[i]!;
  });
  return tensor(data, inside.shape);
}
