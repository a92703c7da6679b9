import type { Tensor } from "@latentkit/core";
import type { ImageInputs } from "./image-input.js";
import type { ImageOptions } from "./img2img-options.js";
import type { AestheticOptions, MicroConditioningOptions } from "./micro-conditioning.js";
import type { QualityOptions } from "./quality.js";
import type { RunOptions } from "./run-options.js";
import type { WindowOptions } from "./run-window.js";
import type { GuidanceOptions, LatentsOptions, ScheduleOptions, SizeOptions } from "./sampling-options.js";
import type { TextOptions } from "./text-options.js";
import type { XLTextOptions } from "./text-options-xl.js";

/** Which part of a picture to paint anew. */
export interface MaskOptions extends ImageOptions {
  /**
   * White where the picture is to be painted anew, of the picture's size; it is cut at half white. One for the run, or a
   * list that is gone through in turn; also tensors `[masks, 1, height, width]` in [0, 1]. Where the mask is all black, the
   * picture is given back as it is. @default what is transparent in `image`
   */
  readonly maskImage?: ImageInputs;
  /** What networks for inpainting see of the rest, `[images, 4, height / 8, width / 8]`, in place of encoding it. */
  readonly maskedImageLatents?: Tensor;
  /**
   * Paints the surroundings of the mask alone, this many pixels of them, at the run's size (the network's own unless
   * `height` and `width` are given), and puts the result back into the picture.
   */
  readonly paddingMaskCrop?: number;
  /**
   * Whether the untouched pixels are the picture's own to the last bit: the result is laid under them, and has the
   * picture's size. Grey parts of the mask are mixed. @default true beside `paddingMaskCrop`, else false as in Diffusers
   */
  readonly overlay?: boolean;
}

/** What to paint into a picture, and how; Diffusers' call parameters with Diffusers' defaults. `strength` is 1 unless given. */
export interface InpaintOptions
  extends TextOptions,
    MaskOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    LatentsOptions,
    Pick<WindowOptions, "strength">,
    RunOptions {}

/** What to paint into a picture with SDXL; `guidanceScale` is 7.5 and `strength` 0.9999 unless given. */
export interface StableDiffusionXLInpaintOptions
  extends XLTextOptions,
    MaskOptions,
    SizeOptions,
    ScheduleOptions,
    GuidanceOptions,
    QualityOptions,
    LatentsOptions,
    MicroConditioningOptions,
    AestheticOptions,
    WindowOptions,
    RunOptions {}
