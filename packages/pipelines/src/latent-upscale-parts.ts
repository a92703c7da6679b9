import { LatentKitError, type RandomSource, slice, type Tensor, tensor, weightedSum } from "@latentkit/core";
import type { KUNetModel, LatentCodec } from "@latentkit/models";
import type { Scheduler } from "@latentkit/schedulers";
import { kUNet, scheduler, textEncoder, tokenizer, vae } from "./component-loaders.js";
import type { TextParts } from "./encode-prompt.js";
import type { Predictor } from "./guided.js";
import { type ImageInput, type ImageInputs, imageCount, imageList, imageTensor } from "./image-input.js";
import type { ImageOptions } from "./img2img-options.js";
import { checkInTurn, inTurn } from "./in-turn.js";
import type { ComponentTable } from "./load-components.js";
import { release } from "./release.js";
import { resizeLatents } from "./resize-latents.js";
import type { RunOptions } from "./run-options.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions } from "./sampling-options.js";
import type { XLTextOptions } from "./text-options-xl.js";

/** The parts of the ×2 latent upscaler. */
export interface StableDiffusionLatentUpscaleComponents extends TextParts {
  readonly unet: KUNetModel;
  readonly vae: LatentCodec;
  /** One that thinks in sigmas and is told samples, as the checkpoint's `EulerDiscreteScheduler`. */
  readonly scheduler: Scheduler;
}

/** What to enlarge, and how; `numInferenceSteps` is 75 and `guidanceScale` 9 unless given. At a scale of 0 the prompt has no say. */
export interface LatentUpscaleOptions
  extends Omit<XLTextOptions, "prompt2" | "negativePrompt2" | "clipSkip">,
    ImageOptions,
    Pick<ScheduleOptions, "numInferenceSteps">,
    Pick<GuidanceOptions, "guidanceScale">,
    LatentsOptions,
    RunOptions {}

/** Where they are. */
export const latentUpscaleComponents: ComponentTable<StableDiffusionLatentUpscaleComponents> = {
  tokenizer: tokenizer("tokenizer"),
  scheduler: scheduler(),
  textEncoder: textEncoder("text_encoder"),
  vae,
  unet: kUNet,
};

/** Features that tell how noisy the small picture is, always "not at all": as many ones, then zeros. */
const LEVEL_WIDTH = 128;

/** Features of the whole text that the network takes. */
export const pooledWidth = ({ config }: KUNetModel): number => config.timeCondProjDim - LEVEL_WIDTH;

/** @throws LatentKitError unless the UNet takes what the text encoder and the autoencoder give. */
export function checkLatentUpscaleFit({ unet, vae, textEncoder }: StableDiffusionLatentUpscaleComponents): void {
  const { inChannels, crossAttentionDim } = unet.config;
  const width = textEncoder.config.hiddenSize;
  for (const [what, wanted, found] of [
    ["channels", inChannels, 2 * vae.latentChannels],
    ["features per token", crossAttentionDim, width],
    ["features of the whole text", pooledWidth(unet), width],
  ] as const) {
    if (wanted === found) continue;
    const problem = `${what}: the unet takes ${wanted}, the pipeline gives ${found}`;
    throw new LatentKitError("unsupported-model", `${problem}; take all parts from one model`);
  }
}

/** @throws TypeError for a sampler that would be told the wrong thing. */
export function checkSampleScheduler({ name, config }: Scheduler): void {
  const { prediction_type: kind } = config;
  if (kind === "sample" || kind === "original_sample") return;
  const expected = 'one that expects samples, EulerDiscreteScheduler with predictionType "sample"';
  throw new TypeError(`scheduler: expected ${expected}, got ${name} with ${JSON.stringify(kind ?? "epsilon")}`);
}

/** What to enlarge, checked as far as it can be before it is read. */
export interface SmallPicture {
  readonly list: readonly ImageInput[];
  /** Pictures that the run makes. */
  readonly images: number;
  /** A latent side is a multiple of this. */
  readonly unit: number;
}

/** @throws TypeError or RangeError for what is no picture. */
export function settleSmallPicture(
  { unet, vae }: StableDiffusionLatentUpscaleComponents,
  image: ImageInputs | undefined,
  images: number,
): SmallPicture {
  const list = imageList(image, vae);
  checkInTurn(imageCount(list), images, "image");
  // the network halves twice the latents' sides, all but once
  return { list, images, unit: Math.max(2 ** (unet.config.channels.length - 2), 1) };
}

/** The small picture's latents, for each picture of the run. */
export async function smallLatents(
  vae: LatentCodec,
  { list, images, unit }: SmallPicture,
  encodingOf: (images: number) => RandomSource | undefined,
): Promise<Tensor> {
  const pictures = await imageTensor(list, vae.scaleFactor * unit, {}, "bicubic");
  const isLatent = pictures.shape[1] === vae.latentChannels;
  const latents = isLatent ? pictures : await vae.encode(pictures, encodingOf(pictures.shape[0] ?? 1));
  await release(vae);
  const [, , height = 0, width = 0] = latents.shape;
  if (height % unit !== 0 || width % unit !== 0) {
    const multiple = isLatent ? `${unit} latents` : `${unit * vae.scaleFactor} pixels`;
    throw new RangeError(`image: expected sides that are multiples of ${multiple}, got ${width}x${height} latents`);
  }
  return inTurn(latents, images, "image");
}

/** What the network is told of the whole: that the small picture has no noise, and the text, `[rows, width]`. */
export function besideLevel(pooled: Tensor): Tensor {
  const [rows = 0, width = 0] = pooled.shape;
  const data = new Float32Array(rows * (LEVEL_WIDTH + width));
  for (let i = 0; i < rows; i++) {
    const row = data.subarray(i * (LEVEL_WIDTH + width), (i + 1) * (LEVEL_WIDTH + width));
    row.fill(1, 0, LEVEL_WIDTH / 2).set(pooled.data.subarray(i * width, (i + 1) * width), LEVEL_WIDTH);
  }
  return tensor(data, [rows, LEVEL_WIDTH + width]);
}

/** The network without the variance that its last channel holds. */
export function latentPredictor(unet: KUNetModel, latentChannels: number): Predictor {
  return {
    async predict(sample, timestep, context, { timestepCond } = {}) {
      if (!timestepCond) throw new TypeError("timestepCond: this network needs it");
      return firstChannels(await unet.predict(sample, timestep, context, { timestepCond }), latentChannels);
    },
  };
}

function firstChannels({ shape, data }: Tensor, count: number): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  const planes = tensor(data, [batch * channels, height, width]);
  const kept = new Float32Array(batch * count * height * width);
  for (let i = 0; i < batch; i++)
    kept.set(slice(planes, i * channels, i * channels + count).data, i * count * height * width);
  return tensor(kept, [batch, count, height, width]);
}

/** Latents of twice the size, each repeated. */
export function twice(latents: Tensor): Tensor {
  const [, , height = 0, width = 0] = latents.shape;
  return resizeLatents(latents, { height: 2 * height, width: 2 * width }, "nearest");
}

/** c_skip·x + c_out·F with σ_data = 1. */
export function denoised(sample: Tensor, output: Tensor, sigma: number): Tensor {
  return weightedSum([
    [1 / (sigma ** 2 + 1), sample],
    [sigma / Math.sqrt(sigma ** 2 + 1), output],
  ]);
}
