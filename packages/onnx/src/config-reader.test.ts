import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { goldenJson } from "../../../tests/golden.js";
import { autoencoderKLConfig } from "./autoencoder-kl.js";
import { autoencoderTinyConfig } from "./autoencoder-tiny.js";
import { clipTextConfig } from "./clip-text-model.js";
import { unet2dConditionConfig } from "./unet-2d-condition-config.js";

function failure(action: () => unknown): LatentKitError {
  try {
    action();
  } catch (error) {
    if (error instanceof LatentKitError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

type Read = (json: unknown, file: string) => unknown;
type Wrong = [json: unknown, code: LatentKitErrorCode, message: string];

/** Each message names the key, its value, and what is accepted. */
const wrong: [string, Read, Wrong[]][] = [
  [
    "UNet2DConditionModel",
    unet2dConditionConfig,
    [
      [[], "invalid-checkpoint", "expected a JSON object"],
      [{ in_channels: "4" }, "invalid-checkpoint", 'in_channels is "4"; expected a positive integer'],
      [{ in_channels: 0 }, "invalid-checkpoint", "in_channels is 0; expected a positive integer"],
      [{ out_channels: 1.5 }, "invalid-checkpoint", "out_channels is 1.5; expected a positive integer"],
      [{ norm_eps: "small" }, "invalid-checkpoint", 'norm_eps is "small"; expected a number'],
      [{ flip_sin_to_cos: 1 }, "invalid-checkpoint", "flip_sin_to_cos is 1; expected true or false"],
      [
        { block_out_channels: [] },
        "invalid-checkpoint",
        "block_out_channels is []; expected a list of positive integers",
      ],
      [
        { block_out_channels: 320 },
        "invalid-checkpoint",
        "block_out_channels is 320; expected a list of positive integers",
      ],
      [
        { down_block_types: ["DownBlock2D", "AttnDownBlock2D"] },
        "unsupported-model",
        'down_block_types[1] is "AttnDownBlock2D"; supported: CrossAttnDownBlock2D, DownBlock2D',
      ],
      [
        { up_block_types: ["toString"] },
        "unsupported-model",
        'up_block_types[0] is "toString"; supported: CrossAttnUpBlock2D, UpBlock2D',
      ],
      [
        { down_block_types: "DownBlock2D" },
        "unsupported-model",
        'down_block_types is "DownBlock2D"; supported: a list of CrossAttnDownBlock2D, DownBlock2D',
      ],
      [
        { down_block_types: ["DownBlock2D"] },
        "unsupported-model",
        'down_block_types is ["DownBlock2D"]; supported: a list of 4',
      ],
      [{ block_out_channels: [8, 16] }, "unsupported-model", "down_block_types is missing; supported: a list of 2"],
      [
        { attention_head_dim: [8, 8] },
        "unsupported-model",
        "attention_head_dim is [8,8]; supported: a number or a list of 4",
      ],
      [{ attention_head_dim: -8 }, "unsupported-model", "attention_head_dim is -8"],
      [
        { only_cross_attention: "yes" },
        "unsupported-model",
        'only_cross_attention is "yes"; supported: a boolean or a list of 4',
      ],
      [
        { cross_attention_dim: [8, 8, 8, 9] },
        "unsupported-model",
        "cross_attention_dim is [8,8,8,9]; supported: one value for all blocks",
      ],
      [{ act_fn: "mish" }, "unsupported-model", 'act_fn is "mish"; supported: silu, swish'],
      [{ class_embed_type: "timestep" }, "unsupported-model", 'class_embed_type is "timestep"; supported: null'],
      [{ center_input_sample: true }, "unsupported-model", "center_input_sample is true; supported: false"],
      [{ downsample_padding: 0.5 }, "unsupported-model", "downsample_padding is 0.5; supported: 0, 1"],
      [{ addition_embed_type: "text" }, "unsupported-model", 'addition_embed_type is "text"; supported: text_time'],
      [
        { addition_embed_type: "text_time" },
        "invalid-checkpoint",
        "addition_time_embed_dim is missing; expected a positive integer",
      ],
      [
        { mid_block_type: "UNetMidBlock2DSimpleCrossAttn" },
        "unsupported-model",
        'mid_block_type is "UNetMidBlock2DSimpleCrossAttn"; supported: UNetMidBlock2DCrossAttn, UNetMidBlock2D',
      ],
    ],
  ],
  [
    "AutoencoderKL",
    autoencoderKLConfig,
    [
      [null, "invalid-checkpoint", "expected a JSON object"],
      [
        { down_block_types: ["AttnDownEncoderBlock2D"] },
        "unsupported-model",
        'down_block_types[0] is "AttnDownEncoderBlock2D"; supported: DownEncoderBlock2D',
      ],
      [
        { up_block_types: ["UpBlock2D"] },
        "unsupported-model",
        'up_block_types[0] is "UpBlock2D"; supported: UpDecoderBlock2D',
      ],
      [{ block_out_channels: [8, 8] }, "unsupported-model", "down_block_types is missing; supported: a list of 2"],
      [{ latents_mean: [0, 0, 0, 0] }, "unsupported-model", "latents_mean is [0,0,0,0]; supported: null"],
      [{ scaling_factor: "0.18215" }, "invalid-checkpoint", 'scaling_factor is "0.18215"; expected a number'],
    ],
  ],
  [
    "AutoencoderTiny",
    autoencoderTinyConfig,
    [
      [{ upsample_fn: "bilinear" }, "unsupported-model", 'upsample_fn is "bilinear"; supported: nearest'],
      [
        { encoder_block_out_channels: [64] },
        "unsupported-model",
        "encoder_block_out_channels is [64]; supported: a list of 4",
      ],
      [{ act_fn: "mish" }, "unsupported-model", 'act_fn is "mish"; supported: silu, swish, gelu, quick_gelu, relu'],
    ],
  ],
  [
    "CLIPTextModel",
    clipTextConfig,
    [
      [
        { hidden_act: "tanh" },
        "unsupported-model",
        'hidden_act is "tanh"; supported: silu, swish, gelu, quick_gelu, relu',
      ],
      [{ num_hidden_layers: 0 }, "invalid-checkpoint", "num_hidden_layers is 0; expected a positive integer"],
    ],
  ],
];

describe.each(wrong)("a configuration of %s that is refused", (_, read, cases) => {
  it.each(cases)("%j", (json, code, message) => {
    const error = failure(() => read(json, "models/x/config.json"));
    expect(error.message).toContain(message);
    expect(error.message).toContain("models/x/config.json: ");
    expect(error.code).toBe(code);
  });
});

describe("what a configuration leaves out", () => {
  // the signatures of Diffusers 0.32.2 and of transformers' CLIPTextConfig
  it("takes the class's defaults", () => {
    const attended = { heads: 8, transformerLayers: 1, onlyCrossAttention: false };
    expect(unet2dConditionConfig({})).toMatchObject({
      inChannels: 4,
      outChannels: 4,
      sampleSize: undefined,
      downBlocks: [
        { channels: 320, ...attended },
        { channels: 640, ...attended },
        { channels: 1280, ...attended },
        { channels: 1280, ...attended, transformerLayers: 0 },
      ],
      midBlock: { channels: 1280, ...attended },
      layersPerBlock: [2, 2, 2, 2],
      normGroups: 32,
      normEpsilon: 1e-5,
      downsamplePadding: 1,
      midBlockScale: 1,
      crossAttentionDim: 1280,
      flipSinToCos: true,
      freqShift: 0,
      timeCondProjDim: undefined,
      classEmbeddings: undefined,
      textTime: undefined,
    });
    expect(autoencoderKLConfig({})).toEqual({
      sampleSize: undefined,
      forceUpcast: false,
      inChannels: 3,
      outChannels: 3,
      latentChannels: 4,
      blockOutChannels: [64],
      layersPerBlock: 1,
      normGroups: 32,
      midBlockAttention: true,
      quantConv: true,
      postQuantConv: true,
      scalingFactor: 0.18215,
      shiftFactor: 0,
    });
    expect(clipTextConfig({})).toEqual({
      vocabSize: 49408,
      hiddenSize: 512,
      intermediateSize: 2048,
      projectionDim: 512,
      layers: 12,
      heads: 8,
      maxPositions: 77,
      layerNormEpsilon: 1e-5,
      activation: "quick_gelu",
      eosTokenId: undefined,
    });
  });

  it("is what null stands for too", () => {
    const nulls = {
      in_channels: null,
      num_attention_heads: null,
      reverse_transformer_layers_per_block: null,
      down_block_types: null,
    };
    expect(unet2dConditionConfig(nulls)).toEqual(unet2dConditionConfig({}));
  });

  it("is filled in where files of 2022 are short", () => {
    const { scalingFactor, shiftFactor, quantConv } = autoencoderKLConfig(
      goldenJson("pipelines/tiny-sd/vae/config.json"),
    );
    expect({ scalingFactor, shiftFactor, quantConv }).toEqual({
      scalingFactor: 0.18215,
      shiftFactor: 0,
      quantConv: true,
    });
  });
});
