import type { Family } from "./family.js";
import type { Config } from "./unet-config.js";

/** What is known of how a model was trained to predict. */
export interface Prediction {
  readonly type: "epsilon" | "v_prediction";
  /** Whether nothing in the file says so. */
  readonly isAssumed: boolean;
  /** Whether the last training level is pure noise. */
  readonly zeroTerminalSnr: boolean;
}

/** `scheduler/scheduler_config.json` of the published model of a family, with this file's prediction. */
export function schedulerConfig(family: Family, unet: Config, { type, zeroTerminalSnr }: Prediction): Config {
  return {
    ...BETAS,
    ...published(family, unet, type === "v_prediction" || zeroTerminalSnr),
    prediction_type: type,
    ...(zeroTerminalSnr && { rescale_betas_zero_snr: true }),
  };
}

const BETAS = {
  num_train_timesteps: 1000,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  beta_end: 0.012,
  trained_betas: null,
  clip_sample: false,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

/** Channels of the latents beside those of the picture that is edited. */
const PIX2PIX_CHANNELS = 8;

function published(family: Family, { in_channels, time_cond_proj_dim }: Config, isLater: boolean): Config {
  if (typeof time_cond_proj_dim === "number")
    return { _class_name: "LCMScheduler", original_inference_steps: 50, set_alpha_to_one: true, steps_offset: 0 };
  if (family === "x4-upscaler") return { _class_name: "DDIMScheduler", beta_start: 0.0001, beta_end: 0.02 };
  if (family === "sdxl" || family === "sdxl-refiner")
    return {
      _class_name: "EulerDiscreteScheduler",
      interpolation_type: "linear",
      timestep_spacing: "leading",
      use_karras_sigmas: false,
    };
  if (in_channels === PIX2PIX_CHANNELS) return { _class_name: "EulerAncestralDiscreteScheduler" };
  return { _class_name: isLater ? "DDIMScheduler" : "PNDMScheduler" };
}

/** The upscaler noises the small picture by a schedule of its own. */
export const lowResSchedulerConfig: Config = {
  _class_name: "DDPMScheduler",
  num_train_timesteps: 1000,
  beta_schedule: "scaled_linear",
  beta_start: 0.0001,
  beta_end: 0.02,
  clip_sample: true,
  prediction_type: "epsilon",
};
