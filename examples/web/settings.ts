import { element } from "./element.js";

/** How a picture is drawn. */
export interface Settings {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** A name of `schedulerNames`. */
  readonly sampler: string;
  readonly steps: number;
  readonly guidance: number;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Undefined for one that nobody chose. */
  readonly seed: number | undefined;
  /** How much of the picture to begin from may change. */
  readonly strength: number;
}

const prompt = element("prompt", HTMLTextAreaElement);
const negativePrompt = element("negative", HTMLInputElement);
const sampler = element("sampler", HTMLSelectElement);
const steps = element("steps", HTMLInputElement);
const guidance = element("guidance", HTMLInputElement);
const size = element("size", HTMLSelectElement);
const seed = element("seed", HTMLInputElement);
const strength = element("strength", HTMLInputElement);

/** What the form says. */
export function readSettings(): Settings {
  const [width = 64, height = 64] = size.value.split("x").map(Number);
  return {
    prompt: prompt.value.trim(),
    negativePrompt: negativePrompt.value.trim(),
    sampler: sampler.value,
    steps: steps.valueAsNumber,
    guidance: guidance.valueAsNumber,
    width,
    height,
    seed: seed.value === "" ? undefined : seed.valueAsNumber,
    strength: strength.valueAsNumber,
  };
}

/** Puts settings back into the form. */
export function showSettings(settings: Settings): void {
  prompt.value = settings.prompt;
  negativePrompt.value = settings.negativePrompt;
  sampler.value = settings.sampler;
  steps.valueAsNumber = settings.steps;
  guidance.valueAsNumber = settings.guidance;
  size.value = `${settings.width}x${settings.height}`;
  seed.value = String(settings.seed ?? "");
  strength.valueAsNumber = settings.strength;
  for (const slider of [steps, guidance, strength]) slider.dispatchEvent(new Event("input", { bubbles: true }));
}

/** The settings as AUTOMATIC1111's web interface writes them into a PNG, which other programs read. */
export function parametersText(settings: Settings, isFromImage: boolean): string {
  const { prompt, negativePrompt, sampler, steps, guidance, width, height, seed, strength } = settings;
  const fields = {
    Steps: steps,
    Sampler: sampler,
    "CFG scale": guidance,
    Seed: seed,
    Size: `${width}x${height}`,
    Model: "tiny-emoji",
    ...(isFromImage && { "Denoising strength": strength }),
  };
  const lines = negativePrompt === "" ? [prompt] : [prompt, `Negative prompt: ${negativePrompt}`];
  const pairs = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  return [...lines, pairs.join(", ")].join("\n");
}
