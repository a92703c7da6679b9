import { InvalidArgumentError } from "commander";
import { type Scheduler, type SchedulerConfig, type SchedulerName, schedulerClasses } from "latentkit";

/** A sampler to put in place of the checkpoint's own. */
export interface SchedulerChoice {
  readonly className: SchedulerName;
  /** What it changes in the checkpoint's configuration. */
  readonly settings: SchedulerConfig;
}

const dpmpp = (settings: SchedulerConfig): SchedulerChoice => ({
  className: "DPMSolverMultistepScheduler",
  settings: { algorithm_type: "dpmsolver++", solver_order: 2, use_karras_sigmas: false, ...settings },
});

const byShortName: Readonly<Record<string, SchedulerChoice>> = {
  ddim: { className: "DDIMScheduler", settings: {} },
  "dpmpp-2m": dpmpp({}),
  "dpmpp-2m-karras": dpmpp({ use_karras_sigmas: true }),
  "dpmpp-2m-sde": dpmpp({ algorithm_type: "sde-dpmsolver++" }),
  "dpmpp-2m-sde-karras": dpmpp({ algorithm_type: "sde-dpmsolver++", use_karras_sigmas: true }),
  euler: { className: "EulerDiscreteScheduler", settings: { use_karras_sigmas: false } },
  "euler-karras": { className: "EulerDiscreteScheduler", settings: { use_karras_sigmas: true } },
  "euler-a": { className: "EulerAncestralDiscreteScheduler", settings: {} },
  heun: { className: "HeunDiscreteScheduler", settings: {} },
  lcm: { className: "LCMScheduler", settings: {} },
  pndm: { className: "PNDMScheduler", settings: {} },
  unipc: { className: "UniPCMultistepScheduler", settings: {} },
};

/** The short names. */
export const schedulerNames: readonly string[] = Object.keys(byShortName);

const classNames = Object.keys(schedulerClasses).filter(isClassName);
const choices: ReadonlyMap<string, SchedulerChoice> = new Map([
  ...classNames.map((className): [string, SchedulerChoice] => [keyOf(className), { className, settings: {} }]),
  ...Object.entries(byShortName).map(([name, choice]): [string, SchedulerChoice] => [keyOf(name), choice]),
]);

/** Reads a short name or a Diffusers class name, in any case and with or without "Scheduler" and "Discrete". */
export function parseScheduler(text: string): SchedulerChoice {
  const choice = choices.get(keyOf(text));
  if (!choice) throw new InvalidArgumentError(`Expected one of ${[...schedulerNames, ...classNames].join(", ")}.`);
  return choice;
}

/** The chosen sampler on the noise schedule that the checkpoint's own had. */
export function chosenScheduler({ className, settings }: SchedulerChoice, { config }: Scheduler): Scheduler {
  const { _use_default_values: defaulted } = config;
  const left = Array.isArray(defaulted) ? defaulted.filter((key) => !(key in settings)) : [];
  return schedulerClasses[className].fromConfig({ ...config, ...settings, _use_default_values: left });
}

function keyOf(name: string): string {
  const letters = name
    .toLowerCase()
    .replaceAll("+", "p")
    .replace(/[^a-z0-9]/g, "");
  return letters.replace(/scheduler$/, "").replace(/discrete$/, "");
}

function isClassName(name: string): name is SchedulerName {
  return Object.hasOwn(schedulerClasses, name);
}
