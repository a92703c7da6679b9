import { LatentKitError } from "@latentkit/core";

const STEERED = [
  "StableDiffusionControlNetPipeline",
  "StableDiffusionControlNetImg2ImgPipeline",
  "StableDiffusionAdapterPipeline",
];
const STABLE_DIFFUSION = [
  "StableDiffusionPipeline",
  "StableDiffusionImg2ImgPipeline",
  "LatentConsistencyModelPipeline",
  "LatentConsistencyModelImg2ImgPipeline",
  ...STEERED,
];
const STEERED_XL = [
  "StableDiffusionXLControlNetPipeline",
  "StableDiffusionXLControlNetImg2ImgPipeline",
  "StableDiffusionXLAdapterPipeline",
];
const STABLE_DIFFUSION_XL = ["StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline", ...STEERED_XL];
/** Their networks may be made for it, and then draw nothing else. */
const INPAINT = ["StableDiffusionInpaintPipeline", "StableDiffusionControlNetInpaintPipeline"];
const INPAINT_XL = ["StableDiffusionXLInpaintPipeline", "StableDiffusionXLControlNetInpaintPipeline"];

/** Pipelines, and the classes in `model_index.json` whose checkpoints have the parts for them. */
const openedBy: Readonly<Record<string, readonly string[]>> = {
  StableDiffusionPipeline: STABLE_DIFFUSION,
  StableDiffusionImg2ImgPipeline: STABLE_DIFFUSION,
  StableDiffusionInpaintPipeline: [...STABLE_DIFFUSION, ...INPAINT],
  StableDiffusionControlNetPipeline: STABLE_DIFFUSION,
  StableDiffusionControlNetImg2ImgPipeline: STABLE_DIFFUSION,
  StableDiffusionControlNetInpaintPipeline: [...STABLE_DIFFUSION, ...INPAINT],
  StableDiffusionAdapterPipeline: STABLE_DIFFUSION,
  StableDiffusionInstructPix2PixPipeline: ["StableDiffusionInstructPix2PixPipeline"],
  StableDiffusionUpscalePipeline: ["StableDiffusionUpscalePipeline"],
  StableDiffusionLatentUpscalePipeline: ["StableDiffusionLatentUpscalePipeline"],
  DDIMInversionPipeline: STABLE_DIFFUSION,
  LatentConsistencyModelPipeline: STABLE_DIFFUSION,
  LatentConsistencyModelImg2ImgPipeline: STABLE_DIFFUSION,
  StableDiffusionXLPipeline: STABLE_DIFFUSION_XL,
  StableDiffusionXLImg2ImgPipeline: STABLE_DIFFUSION_XL,
  StableDiffusionXLInpaintPipeline: [...STABLE_DIFFUSION_XL, ...INPAINT_XL],
  StableDiffusionXLControlNetPipeline: STABLE_DIFFUSION_XL,
  StableDiffusionXLControlNetImg2ImgPipeline: STABLE_DIFFUSION_XL,
  StableDiffusionXLControlNetInpaintPipeline: [...STABLE_DIFFUSION_XL, ...INPAINT_XL],
  StableDiffusionXLAdapterPipeline: STABLE_DIFFUSION_XL,
  DDPMPipeline: ["DDPMPipeline", "DDIMPipeline", "PNDMPipeline"],
};

/** Whether there is a pipeline of that name. */
export const isPipelineName = (name: string): boolean => Object.hasOwn(openedBy, name);

/** What a `model_index.json` says it is, as Diffusers names it; exporters put a prefix before the name. */
export function pipelineName({ _class_name: name }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof name !== "string") return undefined;
  // the first version of Diffusers' exporter put it last
  return name.replace(/^(Onnx|ORT)(?=[A-Z])/, "").replace(/OnnxPipeline$/, "Pipeline");
}

/**
 * One of the caller's own may open any checkpoint, and finds its parts there or not.
 *
 * @throws LatentKitError `"unsupported-model"` unless `pipeline` can use the parts of such a checkpoint.
 */
export function checkPipelineName(pipeline: string, index: Readonly<Record<string, unknown>>): void {
  const accepted = openedBy[pipeline];
  const name = pipelineName(index);
  if (!accepted || (name !== undefined && accepted.includes(name))) return;
  const isKnown = name !== undefined && isPipelineName(name);
  throw unsupportedName(index, isKnown ? `open it with ${name}` : `supported: ${accepted.join(", ")}`);
}

/** The error for a checkpoint that is another pipeline's. */
export function unsupportedName(index: Readonly<Record<string, unknown>>, remedy: string): LatentKitError {
  const { _class_name: name } = index;
  const shown = JSON.stringify(name) ?? "missing";
  return new LatentKitError("unsupported-model", `model_index.json: _class_name is ${shown}; ${remedy}`);
}
