/** Tensors by name: their shapes. */
export type Shapes = Record<string, readonly number[]>;

type Add = (name: string, shape: readonly number[], bias?: boolean) => void;

type Published = "sd1" | "sd2" | "sdxl" | "refiner" | "upscaler";

/** A UNet as `openaimodel.py` of Stable Diffusion's authors has it in its configuration. */
export interface OriginalUNet {
  readonly modelChannels: number;
  readonly channelMult: readonly number[];
  /** Which reductions of the size have transformers: 1, 2, 4, 8. */
  readonly attentionResolutions: readonly number[];
  /** Transformer blocks, for each level. */
  readonly transformerDepth: readonly number[];
  readonly contextDim: number;
  readonly inChannels?: number;
  readonly useLinear?: boolean;
  readonly admInChannels?: number;
  readonly numClasses?: number;
  /** Levels whose transformers look at the text alone. */
  readonly disableSelfAttentions?: readonly boolean[];
}

function table(prefix: string, fill: (add: Add) => void): Shapes {
  const shapes: Shapes = {};
  fill((name, shape, bias = true) => {
    shapes[`${prefix}${name}.weight`] = shape;
    if (bias) shapes[`${prefix}${name}.bias`] = shape.slice(0, 1);
  });
  return shapes;
}

/** The UNets that were published, by the files that hold them. */
export const publishedUNets: Readonly<Record<Published, OriginalUNet>> = {
  sd1: {
    modelChannels: 320,
    channelMult: [1, 2, 4, 4],
    attentionResolutions: [4, 2, 1],
    transformerDepth: [1, 1, 1, 1],
    contextDim: 768,
  },
  sd2: {
    modelChannels: 320,
    channelMult: [1, 2, 4, 4],
    attentionResolutions: [4, 2, 1],
    transformerDepth: [1, 1, 1, 1],
    contextDim: 1024,
    useLinear: true,
  },
  sdxl: {
    modelChannels: 320,
    channelMult: [1, 2, 4],
    attentionResolutions: [4, 2],
    transformerDepth: [1, 2, 10],
    contextDim: 2048,
    useLinear: true,
    admInChannels: 2816,
  },
  refiner: {
    modelChannels: 384,
    channelMult: [1, 2, 4, 4],
    attentionResolutions: [4, 2],
    transformerDepth: [4, 4, 4, 4],
    contextDim: 1280,
    useLinear: true,
    admInChannels: 2560,
  },
  upscaler: {
    modelChannels: 256,
    channelMult: [1, 2, 2, 4],
    attentionResolutions: [2, 4, 8],
    transformerDepth: [1, 1, 1, 1],
    contextDim: 1024,
    inChannels: 7,
    useLinear: true,
    numClasses: 1000,
    disableSelfAttentions: [true, true, true, false],
  },
};

const LAYERS = 2;

/** `UNetModel`: the blocks are counted through, whatever they hold. */
export function unetShapes(unet: OriginalUNet, prefix: string = "model.diffusion_model."): Shapes {
  const { modelChannels, channelMult, attentionResolutions, transformerDepth } = unet;
  return table(prefix, (add) => {
    const { time, states } = downShapes(add, unet);
    let channels = states.at(-1)!;
    let ds = 2 ** (channelMult.length - 1);
    let n = 0;
    for (const [level, mult] of [...channelMult.entries()].reverse()) {
      for (let i = 0; i <= LAYERS; i++, n++) {
        const out = modelChannels * mult;
        resBlock(add, `output_blocks.${n}.0`, channels + states.pop()!, out, time);
        channels = out;
        const attends = attentionResolutions.includes(ds);
        if (attends) transformer(add, `output_blocks.${n}.1`, out, transformerDepth[level]!, unet, level);
        if (level > 0 && i === LAYERS) add(`output_blocks.${n}.${attends ? 2 : 1}.conv`, [out, out, 3, 3]);
      }
      ds /= 2;
    }
    add("out.0", [modelChannels]);
    add("out.2", [4, modelChannels, 3, 3]);
  });
}

/** `ControlNet` of `cldm`: the way down again, with the hint's convolutions and one of zeros after each block. */
export function controlNetShapes(unet: OriginalUNet, prefix: string = "control_model."): Shapes {
  return table(prefix, (add) => {
    const { states } = downShapes(add, unet);
    for (const [i, channels] of states.entries()) add(`zero_convs.${i}.0`, [channels, channels, 1, 1]);
    const last = states.at(-1)!;
    add("middle_block_out.0", [last, last, 1, 1]);
    const widths = [3, 16, 16, 32, 32, 96, 96, 256, unet.modelChannels];
    for (let i = 0; i < 8; i++) add(`input_hint_block.${2 * i}`, [widths[i + 1]!, widths[i]!, 3, 3]);
  });
}

function downShapes(add: Add, unet: OriginalUNet): { time: number; states: number[] } {
  const { modelChannels, channelMult, attentionResolutions, transformerDepth, inChannels = 4 } = unet;
  const time = 4 * modelChannels;
  add("time_embed.0", [time, modelChannels]);
  add("time_embed.2", [time, time]);
  if (unet.admInChannels !== undefined) {
    add("label_emb.0.0", [time, unet.admInChannels]);
    add("label_emb.0.2", [time, time]);
  }
  if (unet.numClasses !== undefined) add("label_emb", [unet.numClasses, time], false);
  add("input_blocks.0.0", [modelChannels, inChannels, 3, 3]);
  const states = [modelChannels];
  let ds = 1;
  for (const [level, mult] of channelMult.entries()) {
    const out = modelChannels * mult;
    for (let i = 0; i < LAYERS; i++) {
      const n = states.length;
      resBlock(add, `input_blocks.${n}.0`, states.at(-1)!, out, time);
      if (attentionResolutions.includes(ds))
        transformer(add, `input_blocks.${n}.1`, out, transformerDepth[level]!, unet, level);
      states.push(out);
    }
    if (level === channelMult.length - 1) break;
    add(`input_blocks.${states.length}.0.op`, [out, out, 3, 3]);
    states.push(out);
    ds *= 2;
  }
  const last = states.at(-1)!;
  resBlock(add, "middle_block.0", last, last, time);
  transformer(add, "middle_block.1", last, transformerDepth.at(-1)!, unet, -1);
  resBlock(add, "middle_block.2", last, last, time);
  return { time, states };
}

function resBlock(add: Add, name: string, from: number, to: number, time: number): void {
  add(`${name}.in_layers.0`, [from]);
  add(`${name}.in_layers.2`, [to, from, 3, 3]);
  add(`${name}.emb_layers.1`, [to, time]);
  add(`${name}.out_layers.0`, [to]);
  add(`${name}.out_layers.3`, [to, to, 3, 3]);
  if (from !== to) add(`${name}.skip_connection`, [to, from, 1, 1]);
}

function transformer(add: Add, name: string, width: number, depth: number, unet: OriginalUNet, level: number): void {
  const { useLinear = false, contextDim, disableSelfAttentions = [] } = unet;
  const projection = useLinear ? [width, width] : [width, width, 1, 1];
  add(`${name}.norm`, [width]);
  add(`${name}.proj_in`, projection);
  add(`${name}.proj_out`, projection);
  for (let d = 0; d < depth; d++) {
    const block = `${name}.transformer_blocks.${d}`;
    for (const norm of ["norm1", "norm2", "norm3"]) add(`${block}.${norm}`, [width]);
    const own = disableSelfAttentions[level] ? contextDim : width;
    for (const [attention, from] of Object.entries({ attn1: own, attn2: contextDim })) {
      add(`${block}.${attention}.to_q`, [width, width], false);
      for (const side of ["to_k", "to_v"]) add(`${block}.${attention}.${side}`, [width, from], false);
      add(`${block}.${attention}.to_out.0`, [width, width]);
    }
    add(`${block}.ff.net.0.proj`, [8 * width, width]);
    add(`${block}.ff.net.2`, [width, 4 * width]);
  }
}

/** `AutoencoderKL` of the authors; `z` channels of latents. */
export function vaeShapes(prefix: string = "first_stage_model.", mult: readonly number[] = [1, 2, 4, 4]): Shapes {
  const [ch, z] = [128, 4];
  const last = ch * mult.at(-1)!;
  return table(prefix, (add) => {
    const block = (name: string, from: number, to: number) => {
      add(`${name}.norm1`, [from]);
      add(`${name}.conv1`, [to, from, 3, 3]);
      add(`${name}.norm2`, [to]);
      add(`${name}.conv2`, [to, to, 3, 3]);
      if (from !== to) add(`${name}.nin_shortcut`, [to, from, 1, 1]);
    };
    const middle = (side: string) => {
      block(`${side}.mid.block_1`, last, last);
      block(`${side}.mid.block_2`, last, last);
      add(`${side}.mid.attn_1.norm`, [last]);
      for (const name of ["q", "k", "v", "proj_out"]) add(`${side}.mid.attn_1.${name}`, [last, last, 1, 1]);
    };
    add("encoder.conv_in", [ch, 3, 3, 3]);
    let width = ch;
    for (const [i, factor] of mult.entries()) {
      for (let j = 0; j < LAYERS; j++, width = ch * factor) block(`encoder.down.${i}.block.${j}`, width, ch * factor);
      if (i < mult.length - 1) add(`encoder.down.${i}.downsample.conv`, [width, width, 3, 3]);
    }
    middle("encoder");
    add("encoder.norm_out", [last]);
    add("encoder.conv_out", [2 * z, last, 3, 3]);
    add("quant_conv", [2 * z, 2 * z, 1, 1]);
    add("post_quant_conv", [z, z, 1, 1]);
    add("decoder.conv_in", [last, z, 3, 3]);
    middle("decoder");
    for (const [i, factor] of [...mult.entries()].reverse()) {
      for (let j = 0; j <= LAYERS; j++, width = ch * factor) block(`decoder.up.${i}.block.${j}`, width, ch * factor);
      if (i > 0) add(`decoder.up.${i}.upsample.conv`, [width, width, 3, 3]);
    }
    add("decoder.norm_out", [ch]);
    add("decoder.conv_out", [3, ch, 3, 3]);
  });
}

/** transformers' `CLIPTextModel`, with the positions that its old files carry. */
export function clipShapes(prefix: string, width: number = 768, layers: number = 12): Shapes {
  const shapes = table(`${prefix}text_model.`, (add) => {
    add("embeddings.token_embedding", [49408, width], false);
    add("embeddings.position_embedding", [77, width], false);
    for (let i = 0; i < layers; i++) {
      const layer = `encoder.layers.${i}`;
      for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) add(`${layer}.self_attn.${name}`, [width, width]);
      add(`${layer}.layer_norm1`, [width]);
      add(`${layer}.layer_norm2`, [width]);
      add(`${layer}.mlp.fc1`, [4 * width, width]);
      add(`${layer}.mlp.fc2`, [width, 4 * width]);
    }
    add("final_layer_norm", [width]);
  });
  return { ...shapes, [`${prefix}text_model.embeddings.position_ids`]: [1, 77] };
}

/** OpenCLIP's text tower. */
export function openClipShapes(prefix: string, width: number, layers: number): Shapes {
  const shapes = table(prefix, (add) => {
    add("token_embedding", [49408, width], false);
    add("ln_final", [width]);
    for (let i = 0; i < layers; i++) {
      const block = `transformer.resblocks.${i}`;
      add(`${block}.ln_1`, [width]);
      add(`${block}.attn.out_proj`, [width, width]);
      add(`${block}.ln_2`, [width]);
      add(`${block}.mlp.c_fc`, [4 * width, width]);
      add(`${block}.mlp.c_proj`, [width, 4 * width]);
    }
  });
  const blocks = Array.from({ length: layers }, (_, i) => `${prefix}transformer.resblocks.${i}.attn.in_proj`);
  const fused = blocks.map(
    (name): Shapes => ({ [`${name}_weight`]: [3 * width, width], [`${name}_bias`]: [3 * width] }),
  );
  return Object.assign(shapes, ...fused, {
    [`${prefix}positional_embedding`]: [77, width],
    [`${prefix}text_projection`]: [width, width],
    [`${prefix}logit_scale`]: [],
  });
}

const noiseTables = [
  "betas",
  ...["", "sqrt_", "sqrt_one_minus_", "log_one_minus_", "sqrt_recip_", "sqrt_recipm1_"].map(
    (name) => `${name}alphas_cumprod`,
  ),
  "alphas_cumprod_prev",
  ...["variance", "log_variance_clipped", "mean_coef1", "mean_coef2"].map((name) => `posterior_${name}`),
];

/** Whole files, as they were published. */
export const publishedFiles: Readonly<Record<Published, Shapes>> = {
  /** `v1-5-pruned-emaonly.safetensors` */
  sd1: {
    ...unetShapes(publishedUNets.sd1),
    ...vaeShapes(),
    ...clipShapes("cond_stage_model.transformer."),
    ...Object.fromEntries(noiseTables.map((name) => [name, [1000]])),
    "model_ema.decay": [],
    "model_ema.num_updates": [],
  },
  /** `v2-1_768-ema-pruned.safetensors` */
  sd2: {
    ...unetShapes(publishedUNets.sd2),
    ...vaeShapes(),
    ...openClipShapes("cond_stage_model.model.", 1024, 24),
    ...Object.fromEntries(noiseTables.map((name) => [name, [1000]])),
  },
  /** `sd_xl_base_1.0.safetensors` */
  sdxl: {
    ...unetShapes(publishedUNets.sdxl),
    ...vaeShapes(),
    ...clipShapes("conditioner.embedders.0.transformer."),
    ...openClipShapes("conditioner.embedders.1.model.", 1280, 32),
    "denoiser.sigmas": [1000],
  },
  /** `sd_xl_refiner_1.0.safetensors` */
  refiner: {
    ...unetShapes(publishedUNets.refiner),
    ...vaeShapes(),
    ...openClipShapes("conditioner.embedders.0.model.", 1280, 32),
    "denoiser.sigmas": [1000],
  },
  /** `x4-upscaler-ema.safetensors` */
  upscaler: {
    ...unetShapes(publishedUNets.upscaler),
    ...vaeShapes("first_stage_model.", [1, 2, 4]),
    ...openClipShapes("cond_stage_model.model.", 1024, 24),
    "low_scale_model.betas": [1000],
  },
};
