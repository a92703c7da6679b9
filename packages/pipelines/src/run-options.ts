import type { RandomSource, Tensor } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import { checkOneOf } from "./option-checks.js";
import type { SeedMode } from "./seed-mode.js";
import type { Step } from "./step.js";

/** What the runs of all pipelines take. */
export interface RunOptions {
  /** `"tensor"` gives `[images, 3, height, width]` in [-1, 1]; `"latent"` leaves decoding out. @default "image" */
  readonly outputType?: "image" | "tensor" | "latent";
  /** torch's seed: one for the whole batch, or one per image. @default an unforeseeable one, told in the result */
  readonly seed?: number | readonly number[];
  /** Whose noise the seed stands for: that of Diffusers, of stable-diffusion-webui or of ComfyUI. @default "diffusers" */
  readonly seedMode?: SeedMode;
  /** A source of noise of your own, in place of `seed`. */
  readonly random?: RandomSource;
  /** Ends the run between two steps; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each network call; latents that it returns are used in place of the step's. */
  readonly onStep?: (step: Step) => void | Tensor | undefined | Promise<void> | Promise<Tensor | undefined>;
  /**
   * Whether steps have `latents` and `predOriginalSample` to look at. Without, a run on a GPU leaves them there between two
   * steps, where its sampler and guidance allow it; a step's `preview()`, asked for before the next step, still works.
   * `generate` without `onStep` leaves them there anyway. @default true
   */
  readonly stepLatents?: boolean;
  /** Called for everything that is odd but no error; the result lists the same. */
  readonly onWarning?: (warning: Warning) => void;
}

const OUTPUT_TYPES: readonly string[] = ["image", "tensor", "latent"];

/** For callers without types: `generate("a red apple")`. */
export function checkRunOptions(options: RunOptions): RunOptions {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`options: expected an object such as { prompt: "a red apple" }, got ${typeof options}`);
  const { stepLatents = true } = options;
  if (typeof stepLatents !== "boolean")
    throw new TypeError(`stepLatents: expected true or false, got ${String(stepLatents)}`);
  checkOneOf("outputType", options.outputType ?? "image", OUTPUT_TYPES);
  return options;
}
