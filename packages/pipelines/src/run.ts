import { type LatentKitError, localTensor, type Tensor } from "@latentkit/core";
import { imageFromTensor, type RgbaImage } from "@latentkit/images";
import type { Warning } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import type { NoiseSource } from "./noise-source.js";
import type { GenerateResult, PipelineComponents } from "./pipeline.js";
import { release } from "./release.js";
import type { RunOptions } from "./run-options.js";
import type { RunWindow } from "./run-window.js";
import type { Step } from "./step.js";
import type { Ready } from "./when-ready.js";

/** What a run is handed when it begins. */
export interface RunTools extends NoiseSource {
  readonly signal: AbortSignal | undefined;
  /** Whether states may have remote tensors, because nobody looks at their values. */
  readonly remoteStates: boolean;
  /** Tells of something odd that is no error. */
  readonly onWarning: (warning: Warning) => void;
}

/** A run with everything settled, of which nothing has been computed. */
export interface PreparedRun {
  /** Pictures in all. */
  readonly images: number;
  /** The steps that it makes. */
  readonly window: Pick<RunWindow, "timesteps">;
  /** The algorithm: a state after every network call, and the final latents. */
  states(tools: RunTools): AsyncGenerator<SamplerState, Tensor, Tensor | undefined>;
  /** Samples as pictures, `[images, 3, height, width]` near [-1, 1]. */
  readonly decode: (sample: Tensor) => Promise<Tensor>;
  /** Puts the pictures where they belong, when they are parts of other ones. */
  readonly finish?: ((images: readonly RgbaImage[]) => Promise<RgbaImage[]>) | undefined;
}

/** Runs it: steps on the way, pictures at the end. */
export async function* execute(
  prepared: Ready<PreparedRun>,
  source: Ready<NoiseSource>,
  { outputType = "image", signal, onWarning, stepLatents = true }: RunOptions,
  parts: PipelineComponents,
): AsyncGenerator<Step, GenerateResult, Tensor | undefined> {
  const [run, noise] = await Promise.all([prepared, source]);
  const { seeds } = noise;
  const warnings: Warning[] = [];
  const tell = (warning: Warning) => {
    warnings.push(warning);
    onWarning?.(warning);
  };
  signal?.throwIfAborted();
  const stopTelling = parts.unet.onReopen?.((error) => tell(reopened(error)));
  try {
    const tools = { ...noise, signal, remoteStates: !stepLatents, onWarning: tell };
    const latents = yield* steps(run, tools, parts);
    if (outputType === "latent") return { images: [], latents, seeds, warnings };
    const tensor = await run.decode(latents);
    await release(parts.vae);
    if (outputType === "tensor") return { images: [], tensor, latents, seeds, warnings };
    return { images: await picturesOf(run, tensor), latents, seeds, warnings };
  } finally {
    stopTelling?.();
  }
}

/** What a run is told when its networks are opened again. */
function reopened({ code, message }: LatentKitError): Warning {
  const goesOn = "its networks are opened again, and the run goes on";
  return { code: code === "device-lost" ? code : "run-failed", message: `${message}; ${goesOn}` };
}

/** Pictures of a decoded tensor, where they belong. */
export async function picturesOf({ finish }: PreparedRun, tensor: Tensor): Promise<RgbaImage[]> {
  const images = imageFromTensor(tensor);
  return finish ? finish(images) : images;
}

/** The states of a run as steps; gives the final latents. However it ends, the networks of steps are not needed any more. */
async function* steps(
  run: PreparedRun,
  tools: RunTools,
  parts: PipelineComponents,
): AsyncGenerator<Step, Tensor, Tensor | undefined> {
  const states = run.states(tools);
  let done = 0;
  let next: Awaited<ReturnType<typeof states.next>> | undefined;
  try {
    next = await states.next();
    while (!next.done) next = await states.next(yield stepOf(next.value, done++, run, parts));
    return next.value;
  } finally {
    // whoever leaves the loop leaves the run's own too
    if (next && !next.done) await states.return(next.value.sample);
    await release(parts.unet, parts.previewDecoder);
  }
}

function stepOf(
  { sample, predOriginalSample }: SamplerState,
  index: number,
  run: PreparedRun,
  parts: PipelineComponents,
): Step {
  const { timesteps } = run.window;
  return {
    index,
    total: timesteps.length,
    timestep: timesteps[index] ?? 0,
    latents: sample,
    ...(predOriginalSample && { predOriginalSample }),
    async preview(options) {
      // on a device it is gone at the next step
      const shown = localTensor(predOriginalSample ?? sample);
      const [{ stepPreview }, latents] = await Promise.all([import("./optional-decoding.js"), shown]);
      return stepPreview(run, parts, latents, options);
    },
  };
}
