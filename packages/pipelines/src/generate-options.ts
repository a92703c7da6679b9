import { contiguous, dims, type RandomSource, type Tensor } from "@latentkit/core";
import type { Warning } from "@latentkit/models";
import type { PlanOptions } from "@latentkit/schedulers";
import type { Step } from "./step.js";

/** What to draw, and how; Diffusers' call parameters with Diffusers' defaults. */
export interface GenerateOptions {
  /** What to draw; several texts make several pictures. Beyond the tokenizer's limit (77 tokens) a text is cut, with a warning. */
  readonly prompt?: string | readonly string[];
  /** What to steer away from; one text, or one for each prompt. Unused where there is no guidance. @default "" */
  readonly negativePrompt?: string | readonly string[];
  /** In pixels, a multiple of 8. @default the size the network was trained on */
  readonly height?: number;
  /** In pixels, a multiple of 8. @default the size the network was trained on */
  readonly width?: number;
  /** @default 50 */
  readonly numInferenceSteps?: number;
  /** Training timesteps to visit, in place of `numInferenceSteps`. */
  readonly timesteps?: readonly number[];
  /** Noise levels to visit, in place of `numInferenceSteps`. */
  readonly sigmas?: readonly number[];
  /** s in ε_∅ + s·(ε_c − ε_∅). 1 and less turn guidance off and halve the work. @default 7.5 */
  readonly guidanceScale?: number;
  /** How much of the unguided contrast to restore, 0 to 1 (Lin et al. 2024). @default 0 */
  readonly guidanceRescale?: number;
  /** @default 1 */
  readonly numImagesPerPrompt?: number;
  /** DDIM's share of fresh noise, 0 to 1; other samplers ignore it. @default 0 */
  readonly eta?: number;
  /** How many of the text encoder's last layers to leave out. @default 0 */
  readonly clipSkip?: number;
  /** Unit noise to begin from, `[images, channels, height / 8, width / 8]`, in place of the seed's. */
  readonly latents?: Tensor;
  /** Encoded prompts, `[prompts, length, width]`, in place of `prompt`. */
  readonly promptEmbeds?: Tensor;
  /** Encoded negative prompts, of the shape of `promptEmbeds`. */
  readonly negativePromptEmbeds?: Tensor;
  /** `"tensor"` gives `[images, 3, height, width]` in [-1, 1]; `"latent"` leaves decoding out. @default "image" */
  readonly outputType?: "image" | "tensor" | "latent";
  /** torch's CPU seed: one for the whole batch, or one per image. @default an unforeseeable one, told in the result */
  readonly seed?: number | readonly number[];
  /** A source of noise of your own, in place of `seed`. */
  readonly random?: RandomSource;
  /** Ends the run between two steps; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called after each network call. */
  readonly onStep?: (step: Step) => void | Promise<void>;
  /** Called for everything that is odd but no error; the result lists the same. */
  readonly onWarning?: (warning: Warning) => void;
}

/** What a model fixes about a run. */
export interface ModelFacts {
  /** Side of the pictures it was trained on, in pixels. */
  readonly defaultSize: number;
  /** Pixels per latent along a side. */
  readonly scaleFactor: number;
  readonly latentChannels: number;
  /** Features of the text's vectors. */
  readonly contextWidth: number;
}

/** A run with everything settled. */
export interface Request {
  readonly height: number;
  readonly width: number;
  readonly prompts: readonly string[];
  readonly negativePrompts: readonly string[];
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly numImagesPerPrompt: number;
  /** Pictures in all. */
  readonly images: number;
  readonly latentShape: readonly number[];
  readonly outputType: "image" | "tensor" | "latent";
  readonly plan: PlanOptions;
}

const SIZE_MULTIPLE = 8;
const OUTPUT_TYPES: readonly string[] = ["image", "tensor", "latent"];

/**
 * Checks a caller's options and fills in the defaults.
 *
 * @throws TypeError or RangeError naming the option, its value and what is accepted.
 */
export function settle(options: GenerateOptions, facts: ModelFacts): Request {
  checkObject(options);
  const { height = facts.defaultSize, width = facts.defaultSize, guidanceScale = 7.5, guidanceRescale = 0 } = options;
  const { eta = 0, numImagesPerPrompt = 1, outputType = "image", promptEmbeds, negativePromptEmbeds } = options;
  const multiple = Math.max(SIZE_MULTIPLE, facts.scaleFactor);
  for (const [name, side] of Object.entries({ height, width })) checkSide(name, side, multiple);
  if (!Number.isFinite(guidanceScale))
    throw new RangeError(`guidanceScale: expected a finite number, got ${guidanceScale}`);
  if (!(guidanceRescale >= 0 && guidanceRescale <= 1))
    throw new RangeError(`guidanceRescale: expected 0 to 1, got ${guidanceRescale}`);
  if (!(eta >= 0 && eta <= 1)) throw new RangeError(`eta: expected 0 to 1, got ${eta}`);
  if (!isCount(numImagesPerPrompt))
    throw new RangeError(`numImagesPerPrompt: expected a positive integer, got ${numImagesPerPrompt}`);
  if (!OUTPUT_TYPES.includes(outputType))
    throw new RangeError(`outputType: expected one of ${OUTPUT_TYPES.join(", ")}, got ${outputType}`);
  const prompts = promptTexts(options);
  const count = promptEmbeds ? embedCount(options, facts.contextWidth) : prompts.length;
  const images = count * numImagesPerPrompt;
  const latentShape = [images, facts.latentChannels, height / facts.scaleFactor, width / facts.scaleFactor];
  if (options.latents) checkTensor(options.latents, latentShape.join(" "), "latents");
  return {
    height,
    width,
    prompts,
    negativePrompts: negativeTexts(options, count),
    promptEmbeds: promptEmbeds && contiguous(promptEmbeds),
    negativePromptEmbeds: negativePromptEmbeds && contiguous(negativePromptEmbeds),
    guidanceScale,
    guidanceRescale,
    numImagesPerPrompt,
    images,
    latentShape,
    outputType,
    plan: planOptions(options),
  };
}

/** For callers without types: `generate("a red apple")`. */
function checkObject(options: unknown): void {
  if (typeof options !== "object" || options === null)
    throw new TypeError(`options: expected an object such as { prompt: "a red apple" }, got ${typeof options}`);
}

function checkSide(name: string, side: number, multiple: number): void {
  if (!isCount(side) || side % multiple !== 0) {
    throw new RangeError(`${name}: expected a positive multiple of ${multiple} pixels, got ${side}`);
  }
}

const isCount = (value: number): boolean => Number.isInteger(value) && value > 0;

function promptTexts({ prompt, promptEmbeds }: GenerateOptions): readonly string[] {
  if ((prompt === undefined) === (promptEmbeds === undefined)) {
    throw new TypeError(
      prompt === undefined
        ? "prompt: expected a text (or promptEmbeds)"
        : "prompt: expected nothing beside promptEmbeds",
    );
  }
  return prompt === undefined ? [] : texts(prompt, "prompt");
}

function texts(value: string | readonly string[], name: string): readonly string[] {
  const list: unknown = typeof value === "string" ? [value] : value;
  if (!Array.isArray(list) || !list.every((text) => typeof text === "string")) {
    throw new TypeError(`${name}: expected a string or strings, got ${typeof value}`);
  }
  if (list.length === 0) throw new RangeError(`${name}: expected at least one text, got none`);
  return list;
}

function negativeTexts(options: GenerateOptions, count: number): readonly string[] {
  const { negativePrompt, promptEmbeds, negativePromptEmbeds } = options;
  if (negativePromptEmbeds && !promptEmbeds)
    throw new TypeError("negativePromptEmbeds: expected promptEmbeds beside them");
  if (negativePrompt !== undefined && negativePromptEmbeds)
    throw new TypeError("negativePrompt: expected nothing beside negativePromptEmbeds");
  const list = texts(negativePrompt ?? "", "negativePrompt");
  if (list.length !== 1 && list.length !== count)
    throw new RangeError(`negativePrompt: expected 1 or ${count} texts, got ${list.length}`);
  return Array.from({ length: count }, (_, i) => list[i % list.length] ?? "");
}

function embedCount({ promptEmbeds, negativePromptEmbeds }: GenerateOptions, width: number): number {
  if (!promptEmbeds) return 0;
  checkTensor(promptEmbeds, `prompts length ${width}`, "promptEmbeds");
  if (promptEmbeds.size === 0)
    throw new RangeError(`promptEmbeds: expected no empty axis, got [${promptEmbeds.shape.join(", ")}]`);
  if (negativePromptEmbeds) checkTensor(negativePromptEmbeds, promptEmbeds.shape.join(" "), "negativePromptEmbeds");
  return promptEmbeds.shape[0] ?? 0;
}

/** @throws TypeError or RangeError unless it is a float32 tensor of that shape, without NaN and infinity. */
function checkTensor(value: Tensor, shape: string, name: string): void {
  if (!(value.data instanceof Float32Array))
    throw new TypeError(`${name}: expected a float32 tensor, got ${typeof value}`);
  dims(value, shape, name);
  const stray = contiguous(value).data.find((number) => !Number.isFinite(number));
  if (stray !== undefined) throw new RangeError(`${name}: expected finite numbers, got ${stray}`);
}

/** The sampler's share of the options; it has the defaults and the checks of its own. */
function planOptions({ numInferenceSteps, timesteps, sigmas, eta }: GenerateOptions): PlanOptions {
  const steps = timesteps === undefined && sigmas === undefined ? (numInferenceSteps ?? 50) : numInferenceSteps;
  return { numInferenceSteps: steps, timesteps, sigmas, eta };
}
