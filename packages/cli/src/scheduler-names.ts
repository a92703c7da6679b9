import { InvalidArgumentError } from "commander";
import { type NamedScheduler, namedScheduler, type Scheduler, schedulerByName, schedulerClasses } from "latentkit";

/** A sampler to put in place of the checkpoint's own. */
export type SchedulerChoice = NamedScheduler;

/** The names that the help shows; the library knows more. */
export const schedulerNames: readonly string[] = [
  "ddim",
  "dpmpp-2m",
  "dpmpp-2m-karras",
  "dpmpp-2m-sde",
  "dpmpp-2m-sde-karras",
  "euler",
  "euler-karras",
  "euler-a",
  "heun",
  "lcm",
  "pndm",
  "unipc",
];

/** Reads a name that stable-diffusion-webui, ComfyUI or Diffusers give a sampler, in any case and punctuation. */
export function parseScheduler(text: string): SchedulerChoice {
  try {
    return namedScheduler(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const known = [...schedulerNames, ...Object.keys(schedulerClasses)].join(", ");
    throw new InvalidArgumentError(`${error.message}. Expected one of ${known}.`);
  }
}

/** The chosen sampler on the noise schedule that the checkpoint's own had. */
export function chosenScheduler({ name }: SchedulerChoice, scheduler: Scheduler): Scheduler {
  return schedulerByName(name, scheduler);
}
