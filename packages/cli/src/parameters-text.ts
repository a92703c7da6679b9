import type { Scheduler } from "latentkit";
import { version } from "./version.js";

/** How a picture was made. */
export interface PictureSettings {
  readonly prompt: string;
  readonly negative?: string | undefined;
  readonly steps: number;
  readonly scheduler: Scheduler;
  readonly guidance: number;
  readonly seed: number;
  readonly size: string;
  readonly model: string;
  /** How much of a picture was changed. */
  readonly strength?: number | undefined;
  /** Of how many network calls one was whole. */
  readonly deepCache?: number | undefined;
}

/** The names that AUTOMATIC1111's web interface has for the samplers. */
const samplerNames: Readonly<Record<string, string>> = {
  DDIMScheduler: "DDIM",
  DPMSolverMultistepScheduler: "DPM++ 2M",
  EulerAncestralDiscreteScheduler: "Euler a",
  EulerDiscreteScheduler: "Euler",
  HeunDiscreteScheduler: "Heun",
  LCMScheduler: "LCM",
  PNDMScheduler: "PLMS",
  UniPCMultistepScheduler: "UniPC",
};

/** The settings as AUTOMATIC1111's web interface writes them into the PNG text `parameters`. */
export function parametersText(settings: PictureSettings): string {
  const { prompt, negative = "", steps, scheduler, guidance, seed, size, model, strength, deepCache } = settings;
  const fields = {
    Steps: steps,
    Sampler: samplerName(scheduler),
    "CFG scale": guidance,
    Seed: seed,
    Size: size,
    Model: model,
    ...(strength !== undefined && { "Denoising strength": strength }),
    ...(deepCache !== undefined && { "DeepCache interval": deepCache }),
    Version: `latentkit ${version}`,
  };
  const lines = negative === "" ? [prompt] : [prompt, `Negative prompt: ${negative}`];
  const pairs = Object.entries(fields).map(([name, value]) => `${name}: ${quoted(String(value))}`);
  return [...lines, pairs.join(", ")].join("\n");
}

function samplerName({ name, config }: Scheduler): string {
  const { algorithm_type: algorithm, use_karras_sigmas: karras } = config;
  const stochastic = name === "DPMSolverMultistepScheduler" && algorithm === "sde-dpmsolver++" ? " SDE" : "";
  return `${samplerNames[name] ?? name}${stochastic}${karras === true ? " Karras" : ""}`;
}

const quoted = (value: string): string => (/[,:\n]/.test(value) ? JSON.stringify(value) : value);
