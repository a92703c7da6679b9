import type { Family } from "./family.js";
import type { ModelPart } from "./part-layouts.js";
import type { Config } from "./unet-config.js";

/** `model_index.json`: the pipeline that a model is for, and the classes of its parts. */
export function modelIndex(family: Family, unet: Config, parts: ReadonlySet<ModelPart>, scheduler: Config): Config {
  const isXl = family === "sdxl" || family === "sdxl-refiner";
  return {
    _class_name: pipelineClass(family, unet),
    ...(isXl && { force_zeros_for_empty_prompt: family === "sdxl" }),
    ...(family === "sdxl-refiner" && { requires_aesthetics_score: true }),
    unet: ["diffusers", "UNet2DConditionModel"],
    vae: ["diffusers", "AutoencoderKL"],
    scheduler: ["diffusers", scheduler._class_name],
    ...(family === "x4-upscaler" && { low_res_scheduler: ["diffusers", "DDPMScheduler"] }),
    ...textParts(family, parts),
  };
}

function pipelineClass(family: Family, { in_channels, time_cond_proj_dim }: Config): string {
  if (family === "x4-upscaler") return "StableDiffusionUpscalePipeline";
  if (family === "sdxl-refiner") return "StableDiffusionXLImg2ImgPipeline";
  const name = family === "sdxl" ? "StableDiffusionXL" : "StableDiffusion";
  if (in_channels === 9) return `${name}InpaintPipeline`;
  if (in_channels === 8) return `${name}InstructPix2PixPipeline`;
  const isDistilled = family !== "sdxl" && typeof time_cond_proj_dim === "number";
  return isDistilled ? "LatentConsistencyModelPipeline" : `${name}Pipeline`;
}

/** Text encoders and tokenizers; parts that the model lacks by design are written as null. */
function textParts(family: Family, parts: ReadonlySet<ModelPart>): Config {
  const first = { text_encoder: ["transformers", "CLIPTextModel"], tokenizer: ["transformers", "CLIPTokenizer"] };
  const second = {
    text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
    tokenizer_2: ["transformers", "CLIPTokenizer"],
  };
  if (family === "sdxl") return { ...first, ...second };
  if (family === "sdxl-refiner") return { text_encoder: [null, null], tokenizer: [null, null], ...second };
  return parts.has("text_encoder_2") ? { ...first, ...second } : first;
}
