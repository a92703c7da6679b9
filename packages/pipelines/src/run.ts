import type { Tensor } from "@latentkit/core";
import { imageFromTensor } from "@latentkit/images";
import type { Warning } from "@latentkit/models";
import type { SamplerState } from "@latentkit/schedulers";
import type { NoiseSource } from "./noise-source.js";
import type { GenerateResult, PipelineComponents } from "./pipeline.js";
import { release } from "./release.js";
import type { RunOptions } from "./run-options.js";
import type { RunWindow } from "./run-window.js";
import type { Step } from "./step.js";

/** What a run is handed when it begins. */
export interface RunTools extends NoiseSource {
  readonly signal: AbortSignal | undefined;
  /** Tells of something odd that is no error. */
  readonly onWarning: (warning: Warning) => void;
}

/** A run with everything settled, of which nothing has been computed. */
export interface PreparedRun {
  /** Pictures in all. */
  readonly images: number;
  /** The steps of the plan that it makes. */
  readonly window: RunWindow;
  /** The algorithm: a state after every network call, and the final latents. */
  states(tools: RunTools): AsyncGenerator<SamplerState, Tensor, Tensor | undefined>;
  /** Samples as pictures, `[images, 3, height, width]` near [-1, 1]. */
  readonly decode: (sample: Tensor) => Promise<Tensor>;
}

/** Runs it: steps on the way, pictures at the end. */
export async function* execute(
  run: PreparedRun,
  noise: NoiseSource,
  { outputType = "image", signal, onWarning }: RunOptions,
  { unet, vae }: PipelineComponents,
): AsyncGenerator<Step, GenerateResult, Tensor | undefined> {
  const { seeds } = noise;
  const warnings: Warning[] = [];
  const tell = (warning: Warning) => {
    warnings.push(warning);
    onWarning?.(warning);
  };
  signal?.throwIfAborted();
  const latents = yield* steps(run, { ...noise, signal, onWarning: tell }, unet);
  if (outputType === "latent") return { images: [], latents, seeds, warnings };
  const tensor = await run.decode(latents);
  await release(vae);
  if (outputType === "tensor") return { images: [], tensor, latents, seeds, warnings };
  return { images: imageFromTensor(tensor), latents, seeds, warnings };
}

/** The states of a run as steps; gives the final latents. However it ends, the network is not needed any more. */
async function* steps(
  run: PreparedRun,
  tools: RunTools,
  unet: object,
): AsyncGenerator<Step, Tensor, Tensor | undefined> {
  const states = run.states(tools);
  let next: Awaited<ReturnType<typeof states.next>> | undefined;
  try {
    next = await states.next();
    while (!next.done) next = await states.next(yield stepOf(next.value, run));
    return next.value;
  } finally {
    // whoever leaves the loop leaves the run's own too
    if (next && !next.done) await states.return(next.value.sample);
    await release(unet);
  }
}

function stepOf({ index, sample, predOriginalSample }: SamplerState, { window, decode }: PreparedRun): Step {
  const { plan, begin, end } = window;
  return {
    index: index - 1 - begin,
    total: end - begin,
    timestep: plan.timesteps[index - 1] ?? 0,
    latents: sample,
    ...(predOriginalSample && { predOriginalSample }),
    preview: async () => imageFromTensor(await decode(predOriginalSample ?? sample)),
  };
}
