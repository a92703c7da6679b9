import type { DrawType } from "@latentkit/core";

/** Diffusers' noise in full. */
export interface DiffusersSeedMode {
  readonly program: "diffusers";
  /** The generator's device, which is not the pipeline's. @default "cpu" */
  readonly device?: "cuda" | "cpu" | undefined;
  /** The pipeline's precision: Diffusers draws in it, and each is a stream of its own. @default "float32" */
  readonly dtype?: DrawType | undefined;
}

/** stable-diffusion-webui's noise in full. */
export interface A1111SeedMode {
  readonly program: "a1111";
  /** Its "Random number generator source": "cuda" for GPU and NV, "cpu" for CPU. @default "cuda" */
  readonly device?: "cuda" | "cpu" | undefined;
  /** "Eta noise seed delta": samplers draw from generators of their own, seeded seed + delta. @default 0, the first ones go on */
  readonly etaNoiseSeedDelta?: number | undefined;
}

/** ComfyUI's noise in full. */
export interface ComfySeedMode {
  readonly program: "comfy";
  /** Where the sampler runs, which draws the noise of the steps there; the noise to begin from is the CPU's. @default "cuda" */
  readonly device?: "cuda" | "cpu" | undefined;
  /** One per image: which of the pictures that the seed gives in turn it is ("batch_index" of a latent). @default 0, 1, 2, … */
  readonly batchIndices?: readonly number[] | undefined;
}

/**
 * Whose noise a seed stands for.
 *
 * - `"diffusers"`: one torch CPU generator for the whole batch, or one per image from a list of seeds; the noise to
 *   begin from, that of the steps and that of image encoding come from it in turn (`randn_tensor`). With
 *   `{ program: "diffusers", dtype: "float16" }` it is what a pipeline in half precision draws.
 * - `"a1111"`: image i has a generator of its own, seeded seed + i (or the i-th of a list), from which come its first
 *   noise and then that of each step (`ImageRNG`), so that a picture does not depend on its batch. The generators are
 *   CUDA's, the program's default; `{ program: "a1111", device: "cpu" }` are the CPU's.
 * - `"comfy"`: the first noise of the whole batch is one draw of a torch CPU generator (`prepare_noise`); samplers draw
 *   from another one on their device: CUDA's with the same seed, the CPU's with seed + 1 (`default_noise_sampler`).
 *
 * In both programs the "SDE" samplers follow a Brownian path instead, seeded with the seeds of the images ("a1111") or
 * the one of the batch ("comfy"): `noiseSamplerSeed` of `DPMSolverSDEScheduler` takes these. Diffusers' "2M SDE" and
 * "3M SDE" have no such path and draw as the other samplers do.
 */
export type SeedMode = "diffusers" | "a1111" | "comfy" | DiffusersSeedMode | A1111SeedMode | ComfySeedMode;
