import { controlnetKeys } from "./controlnet-keys.js";
import type { Family } from "./family.js";
import { type KeyMap, sameNames } from "./key-map.js";
import { clipKeys, clipWithProjectionKeys, openClipKeys, penultimateOpenClipKeys } from "./text-keys.js";
import { unetKeys } from "./unet-keys.js";
import { vaeKeys } from "./vae-keys.js";

/** The networks of a file, by the folders that Diffusers gives them. */
export type ModelPart = "unet" | "vae" | "text_encoder" | "text_encoder_2" | "controlnet";

/** One way in which files hold a network. */
export interface PartLayout {
  readonly part: ModelPart;
  /** Before the names of its tensors. */
  readonly prefix: string;
  /** Tensors that are there only if the network is. */
  readonly signs: readonly string[];
  /** Reads the names that follow the prefix. */
  readonly keyMap: (names: readonly string[]) => KeyMap;
  /** What a text encoder tells of the whole. */
  readonly family?: Family;
  /** For text encoders: whose tower it is. */
  readonly tower?: "openai" | "open-clip";
}

const ORIGINAL_VAE = ["decoder.conv_in.weight", "decoder.mid.block_1.norm1.weight"];
const CLIP = ["text_model.embeddings.token_embedding.weight"];
const BARE_CLIP = ["embeddings.token_embedding.weight"];
const OPEN_CLIP = ["token_embedding.weight", "positional_embedding"];
const same = () => sameNames;

/** Inside a file of several networks each has a prefix. The first line that fits a part is taken. */
export const prefixedLayouts: readonly PartLayout[] = [
  { part: "unet", prefix: "model.diffusion_model.", signs: ["input_blocks.0.0.weight"], keyMap: unetKeys },
  { part: "controlnet", prefix: "control_model.", signs: ["input_hint_block.0.weight"], keyMap: controlnetKeys },
  { part: "vae", prefix: "first_stage_model.", signs: ORIGINAL_VAE, keyMap: vaeKeys },
  { part: "vae", prefix: "vae.", signs: ORIGINAL_VAE, keyMap: vaeKeys },
  ...[CLIP, BARE_CLIP].flatMap((signs): PartLayout[] => [
    { ...text("cond_stage_model.transformer.", "sd1"), tower: "openai", signs, keyMap: clipKeys },
    { ...text("conditioner.embedders.0.transformer.", "sdxl"), tower: "openai", signs, keyMap: clipKeys },
  ]),
  { ...text("cond_stage_model.model.", "sd2"), signs: OPEN_CLIP, keyMap: penultimateOpenClipKeys },
  { ...text("conditioner.embedders.1.model.", "sdxl"), part: "text_encoder_2", signs: OPEN_CLIP, keyMap: openClipKeys },
  {
    ...text("conditioner.embedders.0.model.", "sdxl-refiner"),
    part: "text_encoder_2",
    signs: OPEN_CLIP,
    keyMap: openClipKeys,
  },
];

function text(prefix: string, family: Family): Pick<PartLayout, "part" | "prefix" | "family" | "tower"> {
  return { part: "text_encoder", prefix, family, tower: "open-clip" };
}

/** A file of one network, under its original names or Diffusers'. */
export const loneLayouts: readonly PartLayout[] = [
  { part: "controlnet", prefix: "", signs: ["input_hint_block.0.weight"], keyMap: controlnetKeys },
  { part: "controlnet", prefix: "", signs: ["controlnet_cond_embedding.conv_in.weight"], keyMap: same },
  { part: "unet", prefix: "", signs: ["input_blocks.0.0.weight", "out.2.weight"], keyMap: unetKeys },
  { part: "unet", prefix: "", signs: ["conv_in.weight", "up_blocks.0.resnets.0.conv1.weight"], keyMap: same },
  { part: "vae", prefix: "", signs: ORIGINAL_VAE, keyMap: vaeKeys },
  {
    part: "vae",
    prefix: "",
    signs: ["decoder.conv_in.weight", "decoder.up_blocks.0.resnets.0.conv1.weight"],
    keyMap: same,
  },
  { part: "text_encoder", prefix: "", signs: CLIP, keyMap: clipWithProjectionKeys },
  { part: "text_encoder", prefix: "", signs: BARE_CLIP, keyMap: clipWithProjectionKeys },
];
