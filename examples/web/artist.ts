import { type GenerateResult, type ImageInput, type Step, schedulerByName } from "latentkit";
import { createPipelineWorker, type RemotePipeline, type RemoteRunOptions } from "latentkit/worker";
import type { Settings } from "./settings.js";

/** A picture to begin from, of the size that is drawn. */
export interface Start {
  readonly image: ImageData;
  /** White where it is to be painted anew; all of it when left out. */
  readonly mask: ImageData | undefined;
}

/** A run under way. */
export interface RunListeners {
  readonly signal: AbortSignal;
  readonly onStep: (step: Step) => Promise<void>;
}

/** Draws in a worker. */
export interface Artist {
  /** Where it draws, and why there. */
  readonly device: string;
  readonly reason: string;
  draw(settings: Settings, start: Start | undefined, listeners: RunListeners): Promise<GenerateResult>;
}

/** What a visitor may choose in the page's address: `?device=wasm&model=owner/name`. */
export interface Choices {
  readonly device: "auto" | "wasm" | "webgpu";
  readonly model: string | undefined;
}

/** Opens the model once, in the ways that pictures can begin. */
export async function openArtist(
  { device, model }: Choices,
  onProgress: (progress: { readonly loaded: number; readonly total: number }) => void,
): Promise<Artist> {
  const worker = createPipelineWorker();
  const fromText = await worker.pipeline("StableDiffusionPipeline").fromPretrained(model, { device, onProgress });
  const fromImage = await worker.pipeline("StableDiffusionImg2ImgPipeline").fromPipe(fromText);
  const inpaint = await worker.pipeline("StableDiffusionInpaintPipeline").fromPipe(fromText);
  const { config } = fromText.scheduler;

  function run<Options extends object>(
    pipe: RemotePipeline<Options>,
    settings: Settings,
    options: RemoteRunOptions<Options>,
  ) {
    pipe.scheduler = schedulerByName(settings.sampler, config);
    return pipe.generate(options);
  }

  return {
    device: fromText.device,
    reason: fromText.reason ?? "",
    draw(settings, start, listeners) {
      const { width, height, prompt, negativePrompt, steps, guidance, seed, strength } = settings;
      const common = {
        prompt,
        negativePrompt,
        numInferenceSteps: steps,
        guidanceScale: guidance,
        width,
        height,
        ...(seed !== undefined && { seed }),
        // previews are all that is looked at, so latents may stay on the device
        stepLatents: false,
        ...listeners,
      };
      if (!start) return run(fromText, settings, common);
      const image: ImageInput = start.image;
      if (!start.mask) return run(fromImage, settings, { ...common, image, strength });
      return run(inpaint, settings, { ...common, image, maskImage: start.mask, overlay: true, strength });
    },
  };
}
