import type { SchedulerConfig } from "./scheduler.js";

/** A way of spacing noise levels, which both programs let users combine with a sampler. */
export interface LevelSpacing {
  /** As stable-diffusion-webui writes it. */
  readonly name: string;
  /** As ComfyUI and others write it. */
  readonly aliases: readonly string[];
  /** Whether a formula gives the levels, or they follow from timesteps. */
  readonly kind: "formulas" | "timesteps";
  readonly settings: SchedulerConfig;
}

/** Levels that follow from timesteps. */
export const withoutFormula: SchedulerConfig = {
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
};

/** Makes a formula run between the ends of training, as both programs have it. */
export const wholeRange: SchedulerConfig = { timestep_spacing: "linspace" };

export const levelSpacings: readonly LevelSpacing[] = [
  { name: "Karras", aliases: ["karras", "ka"], kind: "formulas", settings: { use_karras_sigmas: true } },
  {
    name: "Exponential",
    aliases: ["exponential", "polyexponential"],
    kind: "formulas",
    settings: { use_exponential_sigmas: true },
  },
  { name: "Beta", aliases: ["beta"], kind: "formulas", settings: { use_beta_sigmas: true } },
  { name: "Normal", aliases: ["normal", "uniform"], kind: "timesteps", settings: { timestep_spacing: "linspace" } },
  { name: "SGM Uniform", aliases: ["sgm_uniform"], kind: "timesteps", settings: { timestep_spacing: "trailing" } },
  { name: "Simple", aliases: ["simple"], kind: "timesteps", settings: { timestep_spacing: "trailing" } },
  {
    name: "DDIM Uniform",
    aliases: ["ddim_uniform", "ddim"],
    kind: "timesteps",
    settings: { timestep_spacing: "leading", steps_offset: 1 },
  },
];

const noOption = "Diffusers has no option for it";

/** Spacings of both programs that no option chooses, and why. */
export const missingSpacings: Readonly<Record<string, string>> = {
  "Align Your Steps": "its levels are a list: give plan({ sigmas: alignYourSteps.… }) or its timesteps",
  "KL Optimal": noOption,
  "Linear Quadratic": noOption,
  Turbo: noOption,
};
