import type { ControlNetModel } from "@latentkit/models";
import { type ControlImageRequest, type ControlImages, controlImages } from "./control-images.js";
import type { ControlOptions } from "./control-options.js";
import { oneForEach } from "./one-for-each.js";
import { checkFinite, checkRange } from "./option-checks.js";
import { picturesForEach } from "./pictures-for-each.js";
import type { GuidanceOptions } from "./sampling-options.js";

/** One ControlNet's part in a run, with everything settled. */
export interface Control {
  readonly network: ControlNetModel;
  readonly images: ControlImages;
  readonly scale: number;
  readonly start: number;
  readonly end: number;
  /** Whether it steers the prompts' part of the batch alone, and finer states less. */
  readonly guessMode: boolean;
}

/** One, or several that steer together. */
export type ControlNets = ControlNetModel | readonly ControlNetModel[];

/** As a list. */
export const controlNetList = (controlnet: ControlNets): readonly ControlNetModel[] =>
  "predict" in controlnet ? [controlnet] : controlnet;

/**
 * Checks the options and fills in the defaults.
 *
 * @param images pictures that the run makes.
 * @param part where it paints a part of a picture alone.
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settleControl(
  controlnet: ControlNets,
  options: ControlOptions & GuidanceOptions,
  images: number,
  defaultScale: number,
  part?: ControlImageRequest["part"],
): readonly Control[] {
  const networks = controlNetList(controlnet);
  const { controlnetConditioningScale = defaultScale, controlGuidanceStart = 0, controlGuidanceEnd = 1 } = options;
  const each = (value: number | readonly number[], name: string) =>
    oneForEach(value, networks.length, name, "ControlNet");
  const scales = each(controlnetConditioningScale, "controlnetConditioningScale");
  const starts = each(controlGuidanceStart, "controlGuidanceStart");
  const ends = each(controlGuidanceEnd, "controlGuidanceEnd");
  const pictures = picturesForEach(options.controlImage, networks.length, "ControlNet");
  return networks.map((network, i) => {
    const [scale, start, end] = [scales[i]!, starts[i]!, ends[i]!];
    checkFinite("controlnetConditioningScale", scale);
    checkShare(start, end);
    const guessMode = (options.guessMode ?? false) || network.config.globalPoolConditions;
    checkGuess(guessMode, options);
    const request = { name: "controlImage", channels: network.config.conditioningChannels, images, part };
    return { network, images: controlImages(pictures[i], request), scale, start, end, guessMode };
  });
}

function checkShare(start: number, end: number): void {
  checkRange("controlGuidanceStart", start, 0, 1);
  checkRange("controlGuidanceEnd", end, 0, 1);
  if (start >= end)
    throw new RangeError(`controlGuidanceStart: expected less than controlGuidanceEnd, ${end}, got ${start}`);
}

/** One part of the context after another, nobody can tell which of them are the prompts. */
function checkGuess(guessMode: boolean, { sequentialGuidance = false }: GuidanceOptions): void {
  if (guessMode && sequentialGuidance)
    throw new TypeError(
      "sequentialGuidance: expected false beside guessMode, or a ControlNet that steers by one value for each channel",
    );
}
