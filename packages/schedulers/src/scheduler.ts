import type { RandomSource, Tensor } from "@latentkit/core";

/** What a `scheduler_config.json` holds: snake_case keys, strict JSON values (an infinity is `"-Infinity"`). */
export type SchedulerConfig = Readonly<Record<string, unknown>>;

/** A run to plan. Classes take what they have a use for and leave the rest, as Diffusers' pipelines do. */
export interface PlanOptions {
  /** Levels to visit, at most the number of training steps. One of this, `timesteps` and `sigmas` is required. */
  readonly numInferenceSteps?: number | undefined;
  /** The training timesteps to visit, descending; for the classes whose Diffusers twin takes them. */
  readonly timesteps?: readonly number[] | undefined;
  /** The noise levels to visit, descending to 0, which flow matching adds itself; likewise. */
  readonly sigmas?: readonly number[] | undefined;
  /** Share of the run that remains, in (0, 1]; below 1 the run begins from a noised picture. @default 1 */
  readonly strength?: number | undefined;
  /** DDIM, TCD: 0 is deterministic, 1 is as random as DDPM. @default 0, TCD 0.3 */
  readonly eta?: number | undefined;
  /** DDIM: takes the noise direction from the clipped prediction. @default false */
  readonly useClippedModelOutput?: boolean | undefined;
  /** Euler, EDM Euler, flow Heun: noise added before each step (S_churn of Karras et al. 2022, algorithm 2). @default 0 */
  readonly sChurn?: number | undefined;
  /** Likewise: lowest sigma that is churned. @default 0 */
  readonly sTmin?: number | undefined;
  /** Likewise: highest sigma that is churned. @default Infinity */
  readonly sTmax?: number | undefined;
  /** Likewise: standard deviation of the churned noise. @default 1 */
  readonly sNoise?: number | undefined;
  /** LMS: how many slopes a step combines. @default 4 */
  readonly order?: number | undefined;
  /** LCM, TCD: length of the schedule the network was distilled on. @default the config's */
  readonly originalInferenceSteps?: number | undefined;
  /** Flow matching with dynamic shifting: the shift of the noise levels, as a logarithm. */
  readonly mu?: number | undefined;
  /** Makes `step` throw a RangeError where the network returns NaN or infinity. @default false */
  readonly checkFinite?: boolean | undefined;
}

/**
 * One moment of a run: plain data, never changed. Tensors are `[batch, channels, height, width]`.
 * `saveState` and `restoreState` turn it into JSON and back.
 */
export interface SamplerState {
  /** The step that comes next, from 0; `plan.timesteps.length` when the run is over. */
  readonly index: number;
  /** The noisy sample at that step. */
  readonly sample: Tensor;
  /** The clean sample as the last step predicted it, for previews. */
  readonly predOriginalSample?: Tensor;
  /** What a multistep method remembers of earlier network outputs, newest first. */
  readonly history: readonly Tensor[];
  /** The sample from which a method that calls the network more than once per step set out. */
  readonly base?: Tensor;
  /** What a step has gathered so far: a Runge–Kutta step's slopes, or the part that its correction keeps. */
  readonly partial?: Tensor;
  /** Seeds that a method with a random stream of its own drew at the first step, one per item of the batch. */
  readonly noiseSeeds?: readonly number[];
}

/** One sampling run, computed once and frozen; runs of one plan never disturb each other. */
export interface Plan {
  /** What the network is called with, one per call; what remains after `strength`. */
  readonly timesteps: readonly number[];
  /** Noise levels at those timesteps and the one after the last, for the classes that think in sigmas. */
  readonly sigmas?: readonly number[];
  /** Standard deviation of the sample that `start` makes. */
  readonly initNoiseSigma: number;
  /** Network calls per level: 2 for Heun. */
  readonly order: number;
  /** The first state of a run from unit noise `[batch, channels, height, width]`: noise · initNoiseSigma. */
  start(noise: Tensor): SamplerState;
  /** The first state of an image-to-image run: clean latents noised to the first visited level. */
  startFrom(latents: Tensor, noise: Tensor): SamplerState;
  /** A sample as it is, at a step. @throws RangeError when the plan has no such step. */
  state(sample: Tensor, index?: number): SamplerState;
  /** What the network sees. */
  scaleModelInput(state: SamplerState): Tensor;
  /**
   * The next state. The old one stays as it was.
   *
   * @throws RangeError when the run is over, the shapes differ, or `checkFinite` finds something; TypeError when the method draws noise and `random` is missing.
   */
  step(state: SamplerState, modelOutput: Tensor, random?: RandomSource): SamplerState;
  /** Clean latents noised to the level of a step. */
  addNoise(latents: Tensor, noise: Tensor, index: number): Tensor;
}

/** A sampling method, configured. */
export interface Scheduler {
  /** The Diffusers class it equals. */
  readonly name: string;
  /** The whole configuration, also the keys this class does not know: what `fromConfig` of another class takes. */
  readonly config: SchedulerConfig;
  /**
   * Computes one run.
   *
   * @throws TypeError or RangeError naming the option, its value and what is accepted.
   */
  plan(options: PlanOptions): Plan;
}

/** The constructor of a sampling method. */
export interface SchedulerClass<Options> {
  readonly name: string;
  /** @throws TypeError for an option this class does not know; RangeError for a value it does not accept. */
  new (options?: Options): Scheduler;
  /**
   * Configures from a whole `scheduler_config.json`, this class's own or another one's.
   *
   * @throws LatentKitError `"unsupported-model"` naming the key, its value and what is accepted.
   */
  fromConfig(config: SchedulerConfig): Scheduler;
}
