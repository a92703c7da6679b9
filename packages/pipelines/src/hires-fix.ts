import type { Tensor } from "@latentkit/core";
import type { ImageSize } from "@latentkit/images";
import type { LatentCodec } from "@latentkit/models";
import type { PlanOptions, SamplerState, Scheduler } from "@latentkit/schedulers";
import { beginFrom } from "./begin-from-image.js";
import { checkOneOf } from "./option-checks.js";
import type { RunTools } from "./run.js";
import { type RunWindow, runWindow } from "./run-window.js";
import { type LatentFacts, settleSize } from "./sampling-options.js";

/**
 * A second pass at a larger size ("Hires. fix" of stable-diffusion-webui): networks repeat themselves in pictures much
 * larger than those they were trained on, unless the composition is given.
 */
export interface HiresFixOptions {
  /** How many times larger the sides become, 1 or more; they are cut to multiples of 8 pixels. @default 2 */
  readonly scale?: number;
  /** In pixels, a multiple of 8, in place of `scale`. @default by the proportions of the first pass */
  readonly height?: number;
  /** In pixels, a multiple of 8, in place of `scale`. @default by the proportions of the first pass */
  readonly width?: number;
  /** How much the second pass may change, in (0, 1]. Below about 0.5, enlarged latents stay blurred. @default 0.7 */
  readonly strength?: number;
  /** Of which it makes the share that `strength` says. @default as many as in the first pass */
  readonly steps?: number;
  /** What is enlarged: the latents, mixed or repeated, or the picture, which is decoded and encoded for it. @default "latent" */
  readonly method?: "latent" | "latent-nearest" | "image";
}

/** The second pass with everything settled. */
export interface SecondPass {
  readonly window: RunWindow;
  readonly size: ImageSize;
  /** Its first state, from the latents that the first pass left. */
  readonly begin: (latents: Tensor, tools: RunTools) => Promise<SamplerState>;
}

/** What the first pass is made with. */
interface FirstPass extends LatentFacts {
  readonly vae: LatentCodec;
  readonly scheduler: Scheduler;
  readonly size: ImageSize;
  readonly request: PlanOptions;
}

const METHODS = ["latent", "latent-nearest", "image"];

/** @throws TypeError or RangeError naming the option, its value and what is accepted. */
export function settleHiresFix(options: HiresFixOptions | undefined, first: FirstPass): SecondPass | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null)
    throw new TypeError(`hiresFix: expected an object such as { scale: 2 }, got ${String(options)}`);
  const { strength = 0.7, steps, method = "latent" } = options;
  checkOneOf("hiresFix.method", method, METHODS);
  const size = settleSize(largerSize(options, first), first);
  const request = steps === undefined ? first.request : { eta: first.request.eta, numInferenceSteps: steps };
  const window = runWindow(first.scheduler, request, { strength });
  return {
    window,
    size,
    async begin(latents, tools) {
      const { enlargedLatents } = await import("./enlarged-latents.js");
      return beginFrom(window, await enlargedLatents(first.vae, latents, { size, method }, tools), tools.random);
    },
  };
}

function largerSize({ scale, height, width }: HiresFixOptions, { size, scaleFactor }: FirstPass): ImageSize {
  const isSized = height !== undefined || width !== undefined;
  if (scale !== undefined && isSized) throw new TypeError("hiresFix.scale: expected nothing beside height and width");
  if (scale !== undefined && !(Number.isFinite(scale) && scale >= 1))
    throw new RangeError(`hiresFix.scale: expected 1 or more, got ${scale}`);
  const cut = (side: number) => Math.floor(side / scaleFactor) * scaleFactor;
  const times = scale ?? (height === undefined ? (width ?? 2 * size.width) / size.width : height / size.height);
  return { height: height ?? cut(size.height * times), width: width ?? cut(size.width * times) };
}
