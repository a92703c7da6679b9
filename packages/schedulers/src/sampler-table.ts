import type { SchedulerConfig } from "./scheduler.js";
import type { SchedulerName } from "./scheduler-from-config.js";

/** A sampler of stable-diffusion-webui and ComfyUI, and the class that computes it. */
export interface Sampler {
  /** As stable-diffusion-webui writes it. */
  readonly name: string;
  /** As ComfyUI and others write it. */
  readonly aliases: readonly string[];
  readonly className: SchedulerName;
  /** Which ways of spacing levels the class has options for. */
  readonly spacings: "all" | "formulas" | "timesteps" | "none";
  readonly settings: SchedulerConfig;
  /** The spacing that stable-diffusion-webui's "Automatic" stands for, where it is not the class's own. */
  readonly automatic?: "Karras" | "Exponential";
}

const multistep = {
  className: "DPMSolverMultistepScheduler",
  spacings: "all",
  settings: { algorithm_type: "dpmsolver++", solver_order: 2, solver_type: "midpoint" },
} as const;
const stochastic = { ...multistep.settings, algorithm_type: "sde-dpmsolver++" } as const;
const plain = { spacings: "all", settings: {} } as const;
const byTimesteps = { spacings: "timesteps", settings: {} } as const;

export const samplers: readonly Sampler[] = [
  { ...plain, name: "Euler", aliases: ["euler"], className: "EulerDiscreteScheduler" },
  { ...byTimesteps, name: "Euler a", aliases: ["euler_ancestral"], className: "EulerAncestralDiscreteScheduler" },
  { ...plain, name: "Heun", aliases: ["heun"], className: "HeunDiscreteScheduler" },
  { ...plain, name: "LMS", aliases: ["lms"], className: "LMSDiscreteScheduler" },
  { ...plain, name: "DPM2", aliases: ["dpm_2"], className: "KDPM2DiscreteScheduler", automatic: "Karras" },
  {
    ...plain,
    name: "DPM2 a",
    aliases: ["dpm_2_ancestral"],
    className: "KDPM2AncestralDiscreteScheduler",
    automatic: "Karras",
  },
  { ...multistep, name: "DPM++ 2M", aliases: ["dpmpp_2m"], automatic: "Karras" },
  {
    ...multistep,
    name: "DPM++ 2M SDE",
    aliases: ["dpmpp_2m_sde", "dpmpp_2m_sde_gpu"],
    settings: stochastic,
    automatic: "Exponential",
  },
  {
    ...multistep,
    name: "DPM++ 2M SDE Heun",
    aliases: ["dpmpp_2m_sde_heun", "dpmpp_2m_sde_heun_gpu"],
    settings: { ...stochastic, solver_type: "heun" },
    automatic: "Exponential",
  },
  {
    ...multistep,
    name: "DPM++ 3M",
    aliases: ["dpmpp_3m"],
    settings: { ...multistep.settings, solver_order: 3 },
  },
  {
    ...multistep,
    name: "DPM++ 3M SDE",
    aliases: ["dpmpp_3m_sde", "dpmpp_3m_sde_gpu"],
    settings: { ...stochastic, solver_order: 3 },
    automatic: "Exponential",
  },
  {
    ...plain,
    name: "DPM++ SDE",
    aliases: ["dpmpp_sde", "dpmpp_sde_gpu"],
    className: "DPMSolverSDEScheduler",
    automatic: "Karras",
  },
  {
    ...multistep,
    name: "DPM++ 2S",
    aliases: ["dpmpp_2s"],
    className: "DPMSolverSinglestepScheduler",
    spacings: "formulas",
  },
  {
    ...plain,
    name: "UniPC",
    aliases: ["uni_pc", "uni_pc_bh2"],
    className: "UniPCMultistepScheduler",
    settings: { solver_order: 2, solver_type: "bh2" },
  },
  {
    ...plain,
    name: "DEIS",
    aliases: ["deis"],
    className: "DEISMultistepScheduler",
    settings: { algorithm_type: "deis", solver_order: 2, solver_type: "logrho" },
  },
  {
    ...plain,
    name: "SA-Solver",
    aliases: ["sa_solver"],
    className: "SASolverScheduler",
    settings: { algorithm_type: "data_prediction" },
  },
  { ...byTimesteps, name: "DDIM", aliases: ["ddim"], className: "DDIMScheduler" },
  { ...byTimesteps, name: "DDPM", aliases: ["ddpm"], className: "DDPMScheduler" },
  {
    ...byTimesteps,
    name: "PLMS",
    aliases: ["plms"],
    className: "PNDMScheduler",
    settings: { skip_prk_steps: true },
  },
  { ...byTimesteps, name: "PNDM", aliases: ["pndm"], className: "PNDMScheduler" },
  { ...plain, name: "LCM", aliases: ["lcm"], className: "LCMScheduler", spacings: "none" },
  { ...plain, name: "TCD", aliases: ["tcd"], className: "TCDScheduler", spacings: "none" },
];

const noClass = "Diffusers has no class for it";
const ownSteps = "it chooses its steps as it goes, for which Diffusers has no class";
const ownGuidance = "it changes the guidance, too, for which Diffusers has no class";
const otherNetworks = "Diffusers' IPNDMScheduler is for networks with timesteps from 0 to 1";

/** Samplers of both programs that no class computes, and why. */
export const missingSamplers: Readonly<Record<string, string>> = {
  Restart: noClass,
  "DPM fast": noClass,
  "DPM adaptive": ownSteps,
  "DPM++ 2S a": `${noClass}; "DPM++ 2S" takes its steps without fresh noise`,
  dpmpp_2s_ancestral: `${noClass}; "DPM++ 2S" takes its steps without fresh noise`,
  "DDIM CFG++": ownGuidance,
  euler_cfg_pp: ownGuidance,
  euler_ancestral_cfg_pp: ownGuidance,
  dpmpp_2s_ancestral_cfg_pp: ownGuidance,
  dpmpp_2m_cfg_pp: ownGuidance,
  res_multistep_cfg_pp: ownGuidance,
  res_multistep_ancestral_cfg_pp: ownGuidance,
  gradient_estimation_cfg_pp: ownGuidance,
  heunpp2: noClass,
  exp_heun_2_x0: noClass,
  exp_heun_2_x0_sde: noClass,
  ipndm: otherNetworks,
  ipndm_v: otherNetworks,
  res_multistep: noClass,
  res_multistep_ancestral: noClass,
  gradient_estimation: noClass,
  er_sde: noClass,
  seeds_2: noClass,
  seeds_3: noClass,
  sa_solver_pece: noClass,
};
