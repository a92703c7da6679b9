import { checkSameShape, LatentKitError, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { imageFromTensor, type RgbaImage } from "@latentkit/images";
import type { LatentCodec, UNet2DConditionModel, UNetConditions, Warning } from "@latentkit/models";
import type { SamplerState, Scheduler } from "@latentkit/schedulers";
import { denoise } from "./denoise.js";
import { encodePrompt, joinEmbeds, type TextParts } from "./encode-prompt.js";
import { type GenerateOptions, type ModelFacts, type Request, settle } from "./generate-options.js";
import { guidanceEmbedding } from "./guidance-embedding.js";
import { loadComponents, type PipelineLoadOptions } from "./load-components.js";
import { type NoiseSource, noiseSource } from "./noise-source.js";
import type { Step } from "./step.js";

/** The parts of a text-to-image pipeline. */
export interface StableDiffusionComponents extends TextParts {
  readonly unet: UNet2DConditionModel;
  readonly vae: LatentCodec;
  readonly scheduler: Scheduler;
}

/** What a run made. */
export interface GenerateResult {
  /** The pictures; empty for another `outputType`. */
  readonly images: readonly RgbaImage[];
  /** For `outputType: "tensor"`, `[images, 3, height, width]` near [-1, 1]. */
  readonly tensor?: Tensor;
  /** The final latents, `[images, channels, height / 8, width / 8]`. */
  readonly latents: Tensor;
  /** What makes the same pictures again: one seed for all, or one per image; empty for a source of your own. */
  readonly seeds: readonly number[];
  readonly warnings: readonly Warning[];
}

/** Latents per side where a UNet's configuration does not say. */
const DEFAULT_SAMPLE_SIZE = 64;

/**
 * Text to image with Stable Diffusion 1 and 2 (Diffusers' `StableDiffusionPipeline`).
 *
 * @example
 * ```ts
 * const pipe = await StableDiffusionPipeline.fromPretrained("./stable-diffusion-v1-5");
 * const { images } = await pipe.generate({ prompt: "a red apple", seed: 42 });
 * await images[0].save("apple.png");
 * await pipe.dispose();
 * ```
 */
export class StableDiffusionPipeline {
  /** The sampler. Assigning another one changes the runs that begin afterwards. */
  scheduler: Scheduler;
  readonly #parts: Omit<StableDiffusionComponents, "scheduler">;
  readonly #owned: readonly { dispose(): Promise<void> }[];
  #disposed = false;

  /** @param owned parts that `dispose` frees with the pipeline; the caller's own are left alone. */
  constructor(components: StableDiffusionComponents, owned: readonly { dispose(): Promise<void> }[] = []) {
    const { scheduler, ...parts } = components;
    this.scheduler = scheduler;
    this.#parts = parts;
    this.#owned = owned;
  }

  /**
   * Opens a checkpoint in Diffusers layout; without a source, the embedded model.
   *
   * @throws LatentKitError when something is missing, broken or not supported, with what to do.
   */
  static async fromPretrained(
    source?: ModelSource,
    options: PipelineLoadOptions = {},
  ): Promise<StableDiffusionPipeline> {
    const { components, owned } = await loadComponents(source, options);
    return new StableDiffusionPipeline(components, owned);
  }

  /** The parts, to build something else from. They stay the pipeline's to free. */
  get components(): StableDiffusionComponents {
    return { ...this.#parts, scheduler: this.scheduler };
  }

  /** Draws pictures. */
  async generate(options: GenerateOptions): Promise<GenerateResult> {
    const run = this.stream(options);
    for (;;) {
      const next = await run.next();
      if (next.done) return next.value;
      await options.onStep?.(next.value);
    }
  }

  /**
   * The same run step by step; what `generate` gives is the generator's return value. Leaving the loop ends the run.
   *
   * @throws TypeError or RangeError for options that are wrong, before anything is computed.
   */
  stream(options: GenerateOptions): AsyncGenerator<Step, GenerateResult, undefined> {
    this.#checkAlive();
    const request = settle(options, this.#facts());
    const plan = this.scheduler.plan(request.plan);
    const noise = noiseSource(options.seed, options.random, request.images);
    return this.#run(request, plan, noise, options);
  }

  /** Frees the parts that `fromPretrained` opened, after the step under way; a second call does nothing. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#owned.map((part) => part.dispose()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  async *#run(
    request: Request,
    plan: ReturnType<Scheduler["plan"]>,
    { random, seeds }: NoiseSource,
    options: GenerateOptions,
  ): AsyncGenerator<Step, GenerateResult, undefined> {
    const { unet, vae } = this.#parts;
    const { signal } = options;
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => {
      warnings.push(warning);
      options.onWarning?.(warning);
    };
    signal?.throwIfAborted();

    const context = await this.#context(request, options, onWarning);
    let state = plan.start(options.latents ?? random.normal(request.latentShape));
    const { guidanceScale, guidanceRescale } = request;
    const conditions = distilledGuidance(unet, request);
    for await (const next of denoise(unet, plan, state, context, {
      guidanceScale,
      guidanceRescale,
      conditions,
      random,
      signal,
    })) {
      state = next;
      yield stepOf(state, plan.timesteps, vae);
    }

    const latents = state.sample;
    if (request.outputType === "latent") return { images: [], latents, seeds, warnings };
    const picture = await vae.decode(latents);
    if (request.outputType === "tensor") return { images: [], tensor: picture, latents, seeds, warnings };
    return { images: imageFromTensor(picture), latents, seeds, warnings };
  }

  /** The text as the UNet takes it; negative prompts only where there is guidance. */
  async #context(
    request: Request,
    { clipSkip = 0 }: GenerateOptions,
    onWarning: (warning: Warning) => void,
  ): Promise<Tensor> {
    const { prompts, negativePrompts, promptEmbeds, negativePromptEmbeds, numImagesPerPrompt } = request;
    const isGuided = request.guidanceScale > 1 && this.#parts.unet.config.timeCondProjDim === undefined;
    const negatives = isGuided ? negativePrompts : [];
    if (!promptEmbeds)
      return encodePrompt(this.#parts, prompts, {
        negativePrompts: negatives,
        clipSkip,
        numImagesPerPrompt,
        onWarning,
      });
    const unconditional = isGuided
      ? (negativePromptEmbeds ?? (await encodePrompt(this.#parts, negatives, { clipSkip, onWarning })))
      : undefined;
    if (unconditional) checkSameShape(promptEmbeds, unconditional, "negativePromptEmbeds");
    return joinEmbeds(promptEmbeds, unconditional, numImagesPerPrompt);
  }

  #facts(): ModelFacts {
    const { unet, vae } = this.#parts;
    const { latentChannels, scaleFactor } = vae;
    const { sampleSize = DEFAULT_SAMPLE_SIZE, crossAttentionDim } = unet.config;
    return { latentChannels, scaleFactor, defaultSize: sampleSize * scaleFactor, contextWidth: crossAttentionDim };
  }

  #checkAlive(): void {
    if (this.#disposed)
      throw new LatentKitError("disposed", "the pipeline was disposed; open it again with fromPretrained");
  }
}

/** Distilled networks take the guidance scale as an input and are called once per step. */
function distilledGuidance(unet: UNet2DConditionModel, { guidanceScale, images }: Request): UNetConditions {
  const width = unet.config.timeCondProjDim;
  return width === undefined ? {} : { timestepCond: guidanceEmbedding(guidanceScale, width, images) };
}

function stepOf(
  { index, sample, predOriginalSample }: SamplerState,
  timesteps: readonly number[],
  vae: LatentCodec,
): Step {
  return {
    index: index - 1,
    total: timesteps.length,
    timestep: timesteps[index - 1] ?? 0,
    latents: sample,
    ...(predOriginalSample && { predOriginalSample }),
    preview: async () => imageFromTensor(await vae.decode(predOriginalSample ?? sample)),
  };
}
