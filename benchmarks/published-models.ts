import { autoencoderTensors, clipTextTensors, type TensorTable, type UNetSizes, unetTensors } from "./tensor-table.js";

/** What is measured. */
export type PublishedName = "sd15" | "sd21" | "sdxl";

/** A network as a folder of a checkpoint has it. */
export interface PublishedNetwork {
  readonly tensors: () => TensorTable;
  readonly config: object;
}

/** A model at the size it was published in. */
export interface PublishedModel {
  readonly name: string;
  readonly unetSizes: UNetSizes;
  /** By the folders of a checkpoint. */
  readonly networks: {
    readonly unet: PublishedNetwork;
    readonly vae: PublishedNetwork;
    readonly text_encoder: PublishedNetwork;
    readonly text_encoder_2?: PublishedNetwork;
  };
  readonly tokenizers: readonly string[];
  readonly scheduler: object;
  readonly index: object;
}

const sd = { channels: [320, 640, 1280, 1280], inChannels: 4, transformers: [1, 1, 1, 0] };
const sd15: UNetSizes = { ...sd, crossAttentionDim: 768, linearProjection: false };
const sd21: UNetSizes = { ...sd, crossAttentionDim: 1024, linearProjection: true };
const sdxl: UNetSizes = {
  channels: [320, 640, 1280],
  inChannels: 4,
  transformers: [0, 2, 10],
  crossAttentionDim: 2048,
  linearProjection: true,
  textTime: 2816,
};

const vaeBlocks = (name: string) => new Array(4).fill(name);

function unet(sizes: UNetSizes, config: object): PublishedNetwork {
  const { channels, crossAttentionDim } = sizes;
  return {
    tensors: () => unetTensors(sizes),
    config: {
      _class_name: "UNet2DConditionModel",
      cross_attention_dim: crossAttentionDim,
      block_out_channels: channels,
      ...config,
    },
  };
}

function vae(config: object = {}): PublishedNetwork {
  return {
    tensors: () => autoencoderTensors(),
    config: {
      _class_name: "AutoencoderKL",
      block_out_channels: [128, 256, 512, 512],
      layers_per_block: 2,
      down_block_types: vaeBlocks("DownEncoderBlock2D"),
      up_block_types: vaeBlocks("UpDecoderBlock2D"),
      ...config,
    },
  };
}

function textEncoder(width: number, layers: number, config: object, projection?: number): PublishedNetwork {
  return {
    tensors: () => clipTextTensors({ width, layers, ...(projection !== undefined && { projection }) }),
    config: { hidden_size: width, intermediate_size: 4 * width, num_hidden_layers: layers, ...config },
  };
}

/** The text tower that Stable Diffusion 1.5 and the first half of SDXL have. */
const clipLarge = textEncoder(768, 12, { num_attention_heads: 12, hidden_act: "quick_gelu" });

const noise = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: "scaled_linear", steps_offset: 1 };

const sdIndex = {
  _class_name: "StableDiffusionPipeline",
  unet: ["diffusers", "UNet2DConditionModel"],
  vae: ["diffusers", "AutoencoderKL"],
  text_encoder: ["transformers", "CLIPTextModel"],
  tokenizer: ["transformers", "CLIPTokenizer"],
};

/** What Diffusers' folders of these models hold, without what is a class's default. */
export const publishedModels: Readonly<Record<PublishedName, PublishedModel>> = {
  sd15: {
    name: "Stable Diffusion 1.5",
    unetSizes: sd15,
    networks: {
      unet: unet(sd15, { sample_size: 64, attention_head_dim: 8 }),
      vae: vae(),
      text_encoder: clipLarge,
    },
    tokenizers: ["tokenizer"],
    scheduler: { _class_name: "PNDMScheduler", ...noise, skip_prk_steps: true },
    index: { ...sdIndex, scheduler: ["diffusers", "PNDMScheduler"] },
  },
  sd21: {
    name: "Stable Diffusion 2.1",
    unetSizes: sd21,
    networks: {
      unet: unet(sd21, { sample_size: 96, attention_head_dim: [5, 10, 20, 20], use_linear_projection: true }),
      vae: vae({ sample_size: 768 }),
      text_encoder: textEncoder(1024, 23, { num_attention_heads: 16, hidden_act: "gelu" }),
    },
    tokenizers: ["tokenizer"],
    scheduler: { _class_name: "DDIMScheduler", ...noise, prediction_type: "v_prediction", set_alpha_to_one: false },
    index: { ...sdIndex, scheduler: ["diffusers", "DDIMScheduler"] },
  },
  sdxl: {
    name: "Stable Diffusion XL",
    unetSizes: sdxl,
    networks: {
      unet: unet(sdxl, {
        sample_size: 128,
        attention_head_dim: [5, 10, 20],
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        transformer_layers_per_block: [1, 2, 10],
        use_linear_projection: true,
        addition_embed_type: "text_time",
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2816,
      }),
      vae: vae({ sample_size: 1024, scaling_factor: 0.13025, force_upcast: true }),
      text_encoder: clipLarge,
      text_encoder_2: textEncoder(
        1280,
        32,
        { num_attention_heads: 20, projection_dim: 1280, hidden_act: "gelu" },
        1280,
      ),
    },
    tokenizers: ["tokenizer", "tokenizer_2"],
    scheduler: { _class_name: "EulerDiscreteScheduler", ...noise, timestep_spacing: "leading" },
    index: {
      ...sdIndex,
      _class_name: "StableDiffusionXLPipeline",
      force_zeros_for_empty_prompt: true,
      text_encoder_2: ["transformers", "CLIPTextModelWithProjection"],
      tokenizer_2: ["transformers", "CLIPTokenizer"],
      scheduler: ["diffusers", "EulerDiscreteScheduler"],
    },
  },
};
