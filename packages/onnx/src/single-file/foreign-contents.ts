import { LatentKitError } from "@latentkit/core";

/** What else is found in `.safetensors` files: a name that gives it away, what it is, and what to do. */
interface Foreign {
  readonly sign: RegExp;
  readonly is: string;
  readonly remedy: string;
}

const OTHER_FAMILY = "take a model of the families SD 1, SD 2 or SDXL";
const ADDITION = "open the model that it was made for; this file is no model of its own";
const QUANTISED = "take an fp16, bf16 or fp32 version of this checkpoint";
const FOLDER = "open it as a folder: in Python, pipe.save_pretrained(folder)";
const NO_USE = "no network of this library takes it";

/** The first line that fits decides. */
const contents: readonly Foreign[] = [
  { sign: /(?:^|[._])lora[._]|^lycoris_|\.hada_w\d|\.lokr_w\d|\.oft_/, is: "a LoRA", remedy: ADDITION },
  {
    sign: /^(?:emb_params|string_to_param\b.*|clip_[lg])$|^<.*>$/,
    is: "a textual inversion embedding",
    remedy: ADDITION,
  },
  { sign: /^(?:image_proj|ip_adapter)\./, is: "an IP-Adapter", remedy: ADDITION },
  { sign: /^adapter\.|^body\.\d+\.(?:in_conv|resnets|block1)\b/, is: "a T2I-Adapter", remedy: ADDITION },
  { sign: /^difference$/, is: "the difference of a ControlNet and its model", remedy: "take the whole ControlNet" },
  { sign: /\.absmax$|\.quant_map$|\.quant_state\b/, is: "quantised by bitsandbytes", remedy: QUANTISED },
  {
    sign: /^(?:unet\.conv_in|vae\.(?:en|de)coder\.\w+_blocks|text_encoder(?:_2)?\.text_model)\./,
    is: "a whole model under Diffusers' names",
    remedy: FOLDER,
  },
  { sign: /motion_modules\.|\.time_stack\.|temporal_transformer/, is: "a video model", remedy: OTHER_FAMILY },
  { sign: /(?:^|\.)joint_blocks\.0\./, is: "Stable Diffusion 3", remedy: OTHER_FAMILY },
  { sign: /(?:^|\.)(?:double|single)_blocks\.0\./, is: "Flux", remedy: OTHER_FAMILY },
  {
    sign: /^(?:transformer\.)?(?:single_)?transformer_blocks\.0\./,
    is: "a diffusion transformer",
    remedy: OTHER_FAMILY,
  },
  {
    sign: /^(?:(?:model\.diffusion_model|net)\.)?(?:blocks|layers|double_layers|double_stream_blocks)\.0\./,
    is: "a diffusion transformer",
    remedy: OTHER_FAMILY,
  },
  { sign: /^clip_txt_mapper\.|\.channelwise\.0\.weight$/, is: "Stable Cascade", remedy: OTHER_FAMILY },
  { sign: /^edm_(?:mean$|vpred\.)/, is: "of the EDM family (Playground 2.5, CosXL)", remedy: OTHER_FAMILY },
  { sign: /^depth_model\./, is: "Stable Diffusion 2 with depth", remedy: OTHER_FAMILY },
  { sign: /^(?:noise_augmentor|embedder)\./, is: "Stable unCLIP", remedy: OTHER_FAMILY },
  {
    sign: /^(?:first_stage_model\.)?quantize\.embedding\./,
    is: "an autoencoder with a codebook",
    remedy: OTHER_FAMILY,
  },
  {
    sign: /^decoder\.layers\.\d+\.|^\d+\.weight$/,
    is: "a tiny autoencoder",
    remedy: "open its folder with AutoencoderTiny",
  },
  { sign: /^vision_model\./, is: "CLIP's image tower", remedy: NO_USE },
  { sign: /^encoder\.block\.0\.layer\./, is: "a T5 text encoder", remedy: NO_USE },
  { sign: /^conv_first\.|\.(?:rdb|RDB)1\./, is: "an image enlarger", remedy: NO_USE },
  {
    sign: /^model_ema\.diffusion_model/,
    is: "the moving average of a training alone",
    remedy: "take the model's own file",
  },
];

/** @throws LatentKitError `"unsupported-model"` when the file holds something known that is no Stable Diffusion. */
export function refuseForeign(location: string, names: readonly string[]): void {
  const found = contents.find(({ sign }) => names.some((name) => sign.test(name)));
  if (found) throw new LatentKitError("unsupported-model", `${location} is ${found.is}; ${found.remedy}`);
}
