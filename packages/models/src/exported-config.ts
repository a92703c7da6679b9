import { LatentKitError } from "@latentkit/core";
import {
  type CLIPTextConfig,
  clipTextConfig,
  type UNet2DConditionConfig,
  unet2dConditionConfig,
} from "@latentkit/onnx";
import { type ExportedNetwork, type ExportParts, fixedAxis } from "./open-export.js";

type Json = Readonly<Record<string, unknown>>;

/** Width of an LCM's guidance embedding, and of SDXL's embedding of one number. */
const EMBEDDING_WIDTH = 256;
/** Noise levels of the ×4 upscaler. */
const CLASS_EMBEDDINGS = 1000;
/** Sizes, crop and target size; the refiner, whose text is narrower, has a score in place of the target size. */
const TIME_IDS = 6;
const REFINER_TIME_IDS = 5;
const REFINER_WIDTH = 1280;
/** Width of SDXL's pooled text. */
const POOLED_WIDTH = 1280;
/** Layers of the published text towers, by their width: CLIP ViT-L/14, OpenCLIP ViT-H/14 without its last layer, ViT-bigG/14. */
const TEXT_LAYERS: Readonly<Record<number, number>> = { 768: 12, 1024: 23, 1280: 32 };

/**
 * A UNet's configuration as far as its runner needs it: what the graph fixes, then `config.json`, then the published
 * defaults of Stable Diffusion.
 *
 * @throws LatentKitError `"unsupported-model"` when nothing says how wide the text is.
 */
export function exportedUNetConfig({ network, config, configFile }: ExportParts): UNet2DConditionConfig {
  const axis = (name: string, index: number) => fixedAxis(network, name, index);
  const [height, width] = [axis("sample", 2), axis("sample", 3)];
  const textWidth = axis("encoder_hidden_states", 2) ?? config.cross_attention_dim;
  if (textWidth === undefined) throw unsaid(network, "encoder_hidden_states", "unet/config.json");
  const known = {
    in_channels: axis("sample", 1),
    out_channels: axis("out_sample", 1),
    sample_size: height === width ? height : undefined,
    cross_attention_dim: textWidth,
    num_class_embeds: hasInput(network, "class_labels") ? (config.num_class_embeds ?? CLASS_EMBEDDINGS) : null,
    time_cond_proj_dim: hasInput(network, "timestep_cond")
      ? (axis("timestep_cond", 1) ?? config.time_cond_proj_dim ?? EMBEDDING_WIDTH)
      : null,
    ...textTime(network, config, textWidth),
  };
  return unet2dConditionConfig(merged(config, known), configFile);
}

/** SDXL's conditions: the widths of both together. */
function textTime(network: ExportedNetwork, config: Json, textWidth: unknown): Json {
  if (!hasInput(network, "text_embeds") || !hasInput(network, "time_ids")) return { addition_embed_type: null };
  const embedDim = config.addition_time_embed_dim ?? EMBEDDING_WIDTH;
  const ids = fixedAxis(network, "time_ids", 1) ?? (textWidth === REFINER_WIDTH ? REFINER_TIME_IDS : TIME_IDS);
  const pooled = fixedAxis(network, "text_embeds", 1) ?? POOLED_WIDTH;
  return {
    addition_embed_type: "text_time",
    addition_time_embed_dim: embedDim,
    projection_class_embeddings_input_dim:
      config.projection_class_embeddings_input_dim ?? pooled + ids * Number(embedDim),
  };
}

/**
 * A text encoder's configuration as far as its runner needs it, from the same places.
 *
 * @throws LatentKitError `"unsupported-model"` when nothing says how wide its states are.
 */
export function exportedTextConfig({ network, config, configFile }: ExportParts): CLIPTextConfig {
  const axis = (name: string, index: number) => fixedAxis(network, name, index);
  const states = network.outputs.map(({ name }) => name).filter((name) => name.startsWith("hidden_states."));
  const width = ["last_hidden_state", ...states].map((name) => axis(name, 2)).find((length) => length !== undefined);
  const hiddenSize = width ?? config.hidden_size;
  if (hiddenSize === undefined) throw unsaid(network, "last_hidden_state", "text_encoder/config.json");
  const numbers = states.map((name) => Number(name.slice(name.indexOf(".") + 1)));
  const last = numbers.length > 0 ? Math.max(...numbers) : undefined;
  const layers = config.num_hidden_layers ?? TEXT_LAYERS[Number(hiddenSize)] ?? last;
  const known = {
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    projection_dim: axis("text_embeds", 1),
    max_position_embeddings: axis("input_ids", 1),
  };
  return clipTextConfig(merged(config, known), configFile);
}

function hasInput({ inputs }: ExportedNetwork, name: string): boolean {
  return inputs.some((input) => input.name === name);
}

/** A configuration with what is known better; what is undefined is not. */
export function merged(config: Json, known: Json): Json {
  return { ...config, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) };
}

function unsaid({ graph }: ExportedNetwork, value: string, file: string): LatentKitError {
  const message = `${graph.location}: the width of ${value} is not fixed and there is no config.json; put ${file} of the original model beside it`;
  return new LatentKitError("unsupported-model", message);
}
