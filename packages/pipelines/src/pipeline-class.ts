import { LatentKitError, type Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import type { Scheduler } from "@latentkit/schedulers";
import { loadComponents, type PipelineLoadOptions } from "./load-components.js";
import { noiseSource } from "./noise-source.js";
import type { Disposable, GenerateResult, Pipeline, PipelineClass, PipelineComponents } from "./pipeline.js";
import type { PipelineKind } from "./pipeline-kind.js";
import { checkPreviewDecoder } from "./preview.js";
import { execute } from "./run.js";
import { checkRunOptions, type RunOptions } from "./run-options.js";
import { shareComponents } from "./share-components.js";
import type { Step } from "./step.js";

/** Makes a pipeline class: what all of them do alike, from opening to disposing, around what this kind does. */
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
      const run = this.stream(options);
      let next = await run.next();
      while (!next.done) next = await run.next(changedBy(await options.onStep?.(next.value)));
      return next.value;
    }

    stream(options: Options): AsyncGenerator<Step, GenerateResult, Tensor | undefined> {
      if (this.#disposed)
        throw new LatentKitError("disposed", "the pipeline was disposed; open it again with fromPretrained");
      checkRunOptions(options);
      const run = kind.prepare(this.components, options);
      return execute(run, noiseSource(options, run.images), options, this.#parts);
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

/** Latents that a callback returned; callbacks also return what they happen to compute. */
function changedBy(value: unknown): Tensor | undefined {
  return isTensor(value) ? value : undefined;
}

const isTensor = (value: unknown): value is Tensor =>
  value instanceof Object && "shape" in value && "data" in value && value.data instanceof Float32Array;

async function disposeAll(parts: readonly Disposable[]): Promise<void> {
  await Promise.all(parts.map((part) => part.dispose()));
}
