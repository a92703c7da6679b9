import type { SchedulerConfig } from "@latentkit/schedulers";
import type { ImageOptions } from "./img2img-options.js";
import type { RunOptions } from "./run-options.js";
import type { WindowOptions } from "./run-window.js";
import type { GuidanceOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import { settleText, type TextOptions, type TextRequest, textPerPrompt } from "./text-options.js";

/** Which picture to restore; `guidanceScale` is 1 unless given. */
export interface DDIMInversionOptions
  extends TextOptions,
    ImageOptions,
    SizeOptions,
    Pick<ScheduleOptions, "numInferenceSteps">,
    GuidanceOptions,
    Pick<WindowOptions, "strength">,
    RunOptions {
  /** What to make of the picture on the way back. @default `prompt`, what it shows */
  readonly targetPrompt?: string | readonly string[];
}

/** The same noise, visited at timesteps that both ways have in common, with predictions left as they are. */
export function invertibleConfig(config: SchedulerConfig): SchedulerConfig {
  const { timestep_spacing: spacing } = config;
  const shared = spacing === "trailing" ? "trailing" : "leading";
  return { ...config, timestep_spacing: shared, clip_sample: false, thresholding: false };
}

/** What the picture shows, or what to make of it. */
export function settleTarget(
  { targetPrompt, promptEmbeds: _, ...options }: DDIMInversionOptions,
  source: TextRequest,
  contextWidth: number,
): TextRequest {
  if (targetPrompt === undefined) return source;
  return settleText({ ...options, prompt: textPerPrompt(targetPrompt, source.count, "targetPrompt") }, contextWidth);
}
