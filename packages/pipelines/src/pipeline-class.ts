import { LatentKitError, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import type { Scheduler } from "@latentkit/schedulers";
import type { BatchRun } from "./batch.js";
import { type BatchItem, type BatchOptions, type BatchResult, checkBatchSettings } from "./batch-options.js";
import { checkPreviewDecoder } from "./check-preview-decoder.js";
import { loadComponents, type PipelineLoadOptions } from "./load-components.js";
import { noiseSource } from "./noise-source.js";
import type { Disposable, GenerateResult, Pipeline, PipelineClass, PipelineComponents } from "./pipeline.js";
import type { PipelineKind } from "./pipeline-kind.js";
import { execute } from "./run.js";
import { checkRunOptions, type RunOptions } from "./run-options.js";
import { shareComponents } from "./share-components.js";
import type { Step } from "./step.js";
import { whenReady } from "./when-ready.js";

/**
 * Makes a pipeline class: what all of them do alike, from opening to disposing, around what this kind does. The library's
 * own are made by it, and their `kind` says of what, so that another kind can take parts of it.
 *
 * @example
 * ```ts
 * const PlainPipeline = pipelineClass({
 *   ...StableDiffusionPipeline.kind,
 *   name: "PlainPipeline",
 *   prepare({ unet, vae, scheduler, ...text }, { prompt }: { readonly prompt: string; readonly seed?: number }) {
 *     const plan = scheduler.plan({ numInferenceSteps: 20 });
 *     return {
 *       images: 1,
 *       window: plan,
 *       decode: (latents) => vae.decode(latents),
 *       async *states({ random, sampling, signal }) {
 *         const context = await encodePrompt(text, [prompt], { negativePrompts: [""] });
 *         const start = plan.start(random.normal([1, vae.latentChannels, 64, 96]));
 *         const run = denoise(unet, plan, start, context, { guidanceScale: 7.5, random: sampling, signal });
 *         return (yield* run).sample;
 *       },
 *     };
 *   },
 * });
 * const { images } = await PlainPipeline.fromPipe(pipe).generate({ prompt: "a red apple", seed: 42 });
 * ```
 */
export function pipelineClass<Components extends PipelineComponents, Options extends RunOptions>(
  kind: PipelineKind<Components, Options>,
): PipelineClass<Components, Options> {
  class Assembled implements Pipeline<Components, Options> {
    static readonly kind = kind;
    scheduler: Scheduler;
    readonly #parts: Components;
    readonly #owned: readonly Disposable[];
    #disposed = false;

    constructor(components: Components, owned: readonly Disposable[] = []) {
      kind.check(components);
      checkPreviewDecoder(components);
      this.scheduler = components.scheduler;
      this.#parts = components;
      this.#owned = owned;
    }

    static async fromPretrained(
      source?: ModelSource,
      options: PipelineLoadOptions<Components> = {},
    ): Promise<Pipeline<Components, Options>> {
      const { components, owned } = await loadComponents(kind.name, kind.components, source, options);
      try {
        return new Assembled(components, owned);
      } catch (error) {
        await disposeAll(owned);
        throw error;
      }
    }

    static fromPipe(
      pipe: { readonly components: object },
      components: Partial<Components> = {},
    ): Pipeline<Components, Options> {
      return new Assembled(shareComponents(kind.name, kind.components, { ...pipe.components, ...components }));
    }

    get components(): Components {
      return { ...this.#parts, scheduler: this.scheduler };
    }

    async generate(options: Options): Promise<GenerateResult> {
      const { onStep } = checkRunOptions(options);
      // nobody sees the steps
      const run = this.stream(onStep ? options : { ...options, stepLatents: false });
      return drained(run, onStep);
    }

    batch(
      prompts: Iterable<BatchItem<Options>> | AsyncIterable<BatchItem<Options>>,
      options: BatchOptions<Options> = {},
    ): AsyncGenerator<BatchResult<Options>, void, undefined> {
      this.#checkOpen();
      checkBatchSettings(options);
      return this.#batchRuns(prompts, options);
    }

    async *#batchRuns(
      prompts: Iterable<BatchItem<Options>> | AsyncIterable<BatchItem<Options>>,
      options: BatchOptions<Options>,
    ): AsyncGenerator<BatchResult<Options>, void, undefined> {
      const { batchRuns } = await import("./batch.js");
      yield* batchRuns(prompts, options, (own, run) => this.#runInTurn(own, run));
    }

    async #runInTurn(options: Options, { noise, signal, inTurn, endingTurn }: BatchRun): Promise<GenerateResult> {
      this.#checkOpen();
      const { onStep } = checkRunOptions(options);
      const { components } = this;
      const run = await kind.prepare({ ...components, unet: inTurn(components.unet) }, options);
      const how = { ...options, signal, ...(!onStep && { stepLatents: false }) };
      return drained(execute(endingTurn(run), noise(run.images), how, this.#parts), onStep);
    }

    #checkOpen(): void {
      if (!this.#disposed) return;
      throw new LatentKitError("disposed", "the pipeline was disposed; open it again with fromPretrained");
    }

    stream(options: Options): AsyncGenerator<Step, GenerateResult, Tensor | undefined> {
      this.#checkOpen();
      checkRunOptions(options);
      const run = kind.prepare(this.components, options);
      const noise = whenReady(run, ({ images }) => noiseSource(options, images));
      return execute(run, noise, options, this.#parts);
    }

    async dispose(): Promise<void> {
      this.#disposed = true;
      await disposeAll(this.#owned);
    }

    async [Symbol.asyncDispose](): Promise<void> {
      await this.dispose();
    }
  }
  return Object.defineProperty(Assembled, "name", { value: kind.name });
}

/** A run to its end. */
async function drained(
  run: AsyncGenerator<Step, GenerateResult, Tensor | undefined>,
  onStep: RunOptions["onStep"],
): Promise<GenerateResult> {
  let next = await run.next();
  while (!next.done) next = await run.next(changedBy(await onStep?.(next.value)));
  return next.value;
}

/** Latents that a callback returned; callbacks also return what they happen to compute. */
function changedBy(value: unknown): Tensor | undefined {
  return isTensor(value) ? value : undefined;
}

const isTensor = (value: unknown): value is Tensor =>
  value instanceof Object && "shape" in value && "data" in value && value.data instanceof Float32Array;

async function disposeAll(parts: readonly Disposable[]): Promise<void> {
  await Promise.all(parts.map((part) => part.dispose()));
}
