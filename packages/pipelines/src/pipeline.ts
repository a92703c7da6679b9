import type { Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import type { RgbaImage } from "@latentkit/images";
import type { LatentCodec, UNet2DConditionModel, Warning } from "@latentkit/models";
import type { Scheduler } from "@latentkit/schedulers";
import type { BatchItem, BatchOptions, BatchResult } from "./batch-options.js";
import type { PipelineLoadOptions } from "./load-components.js";
import type { PipelineKind } from "./pipeline-kind.js";
import type { RunOptions } from "./run-options.js";
import type { Step } from "./step.js";

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

/** What pipelines have among their parts. */
export interface PipelineComponents {
  readonly scheduler: Scheduler;
  readonly unet: Disposable & Partial<Pick<UNet2DConditionModel, "onReopen">>;
  readonly vae?: LatentCodec | undefined;
  /** A tiny autoencoder for the same latents, which previews are drawn with. */
  readonly previewDecoder?: LatentCodec | undefined;
}

/** Parts put together, ready for runs. */
export interface Pipeline<Components extends PipelineComponents, Options extends RunOptions> extends AsyncDisposable {
  /** The sampler. Assigning another one changes the runs that begin afterwards. */
  scheduler: Scheduler;
  /** The parts, to build something else from. They stay the pipeline's to free. */
  readonly components: Components;
  /** Draws pictures. @throws TypeError or RangeError for options that are wrong, before anything is computed. */
  generate(options: Options): Promise<GenerateResult>;
  /**
   * The same run step by step; what `generate` gives is the generator's return value. Leaving the loop ends the run;
   * latents handed to `next` take the place of the step's own.
   *
   * @throws TypeError or RangeError for options that are wrong, before anything is computed.
   */
  stream(options: Options): AsyncGenerator<Step, GenerateResult, Tensor | undefined>;
  /**
   * Draws a picture for each prompt as it comes, in their order, and keeps the network busy: it goes from one to the next
   * while the last is decoded and the text of the one after is encoded. Each is what `generate` gives for `{ ...options, prompt }`.
   * Leaving the loop ends what is under way.
   *
   * @param prompts texts, or options of one run each.
   * @throws TypeError or RangeError for options that are wrong; those of one run in its place, as every error of it.
   * @example
   * ```ts
   * for await (const { index, images } of pipe.batch(["a red apple", "a cat"], { numInferenceSteps: 20, seed: 42 }))
   *   await images[0].save(`${index}.png`);
   * ```
   */
  batch(
    prompts: Iterable<BatchItem<Options>> | AsyncIterable<BatchItem<Options>>,
    options?: BatchOptions<Options>,
  ): AsyncGenerator<BatchResult<Options>, void, undefined>;
  /** Frees the parts that `fromPretrained` opened, after the step under way; a second call does nothing. */
  dispose(): Promise<void>;
}

/** Something that is freed with a pipeline. */
export interface Disposable {
  dispose(): Promise<void>;
}

/** The constructor of a kind of pipeline. */
export interface PipelineClass<
  Components extends PipelineComponents,
  Options extends RunOptions,
  Instance extends Pipeline<Components, Options> = Pipeline<Components, Options>,
> {
  readonly name: string;
  /** What `pipelineClass` made it of: to make another kind out of it. */
  readonly kind: PipelineKind<Components, Options>;
  /**
   * Puts parts together.
   *
   * @param owned parts that `dispose` frees with the pipeline; the caller's own are left alone.
   * @throws LatentKitError `"unsupported-model"` when the parts do not go together, or are another pipeline's.
   */
  new (components: Components, owned?: readonly Disposable[]): Instance;
  /**
   * Opens a checkpoint in Diffusers layout; without a source, the embedded model. Parts given in the options are used
   * in place of the checkpoint's.
   *
   * @throws LatentKitError when something is missing, broken or not supported, with what to do.
   */
  fromPretrained(source?: ModelSource, options?: PipelineLoadOptions<Components>): Promise<Instance>;
  /**
   * The parts of another pipeline in this one, with some of them exchanged. They stay the other's to free.
   *
   * @throws TypeError when the other lacks a part that is not given either.
   */
  fromPipe(pipe: { readonly components: object }, components?: Partial<Components>): Instance;
}
