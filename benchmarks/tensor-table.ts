/** The tensors of a network: name to shape, as Diffusers and transformers save them. */
export type TensorTable = Map<string, readonly number[]>;

type Add = (name: string, shape: readonly number[], bias?: boolean) => void;

/** Sizes of a published UNet. */
export interface UNetSizes {
  readonly channels: readonly number[];
  readonly crossAttentionDim: number;
  readonly inChannels: number;
  /** Layers of the transformers at each resolution, from the finest; 0 where there are none. */
  readonly transformers: readonly number[];
  /** Features of SDXL's pooled text and sizes. */
  readonly textTime?: number;
  readonly linearProjection: boolean;
}

function table(fill: (add: Add) => void): TensorTable {
  const tensors: TensorTable = new Map();
  fill((name, shape, bias = true) => {
    tensors.set(`${name}.weight`, shape);
    if (bias) tensors.set(`${name}.bias`, shape.slice(0, 1));
  });
  return tensors;
}

function resnet(add: Add, name: string, from: number, to: number, time?: number): void {
  add(`${name}.norm1`, [from]);
  add(`${name}.conv1`, [to, from, 3, 3]);
  if (time !== undefined) add(`${name}.time_emb_proj`, [to, time]);
  add(`${name}.norm2`, [to]);
  add(`${name}.conv2`, [to, to, 3, 3]);
  if (from !== to) add(`${name}.conv_shortcut`, [to, from, 1, 1]);
}

function transformer(
  add: Add,
  name: string,
  width: number,
  layers: number,
  { crossAttentionDim, linearProjection }: UNetSizes,
): void {
  const projection = linearProjection ? [width, width] : [width, width, 1, 1];
  add(`${name}.norm`, [width]);
  add(`${name}.proj_in`, projection);
  add(`${name}.proj_out`, projection);
  for (let i = 0; i < layers; i++) transformerBlock(add, `${name}.transformer_blocks.${i}`, width, crossAttentionDim);
}

function transformerBlock(add: Add, block: string, width: number, context: number): void {
  for (const norm of ["norm1", "norm2", "norm3"]) add(`${block}.${norm}`, [width]);
  for (const [attention, from] of [
    ["attn1", width],
    ["attn2", context],
  ] as const) {
    add(`${block}.${attention}.to_q`, [width, width], false);
    for (const side of ["to_k", "to_v"]) add(`${block}.${attention}.${side}`, [width, from], false);
    add(`${block}.${attention}.to_out.0`, [width, width]);
  }
  add(`${block}.ff.net.0.proj`, [8 * width, width]);
  add(`${block}.ff.net.2`, [width, 4 * width]);
}

/** The tensors of a `UNet2DConditionModel` with two layers per block. */
export function unetTensors(sizes: UNetSizes): TensorTable {
  const { channels, inChannels, transformers, textTime } = sizes;
  const [first = 0] = channels;
  const last = channels.at(-1) ?? 0;
  const time = 4 * first;
  return table((add) => {
    const attend = (name: string, width: number, i: number) => {
      const layers = transformers[i] ?? 0;
      if (layers > 0) transformer(add, name, width, layers, sizes);
    };
    add("conv_in", [first, inChannels, 3, 3]);
    add("time_embedding.linear_1", [time, first]);
    add("time_embedding.linear_2", [time, time]);
    if (textTime !== undefined) {
      add("add_embedding.linear_1", [time, textTime]);
      add("add_embedding.linear_2", [time, time]);
    }
    const skips = [first];
    channels.forEach((width, i) => {
      for (let j = 0; j < 2; j++) {
        resnet(add, `down_blocks.${i}.resnets.${j}`, skips.at(-1) ?? 0, width, time);
        attend(`down_blocks.${i}.attentions.${j}`, width, i);
        skips.push(width);
      }
      if (i === channels.length - 1) return;
      add(`down_blocks.${i}.downsamplers.0.conv`, [width, width, 3, 3]);
      skips.push(width);
    });
    resnet(add, "mid_block.resnets.0", last, last, time);
    // the middle is as deep as the coarsest resolution that has transformers
    transformer(add, "mid_block.attentions.0", last, transformers.findLast((layers) => layers > 0) ?? 1, sizes);
    resnet(add, "mid_block.resnets.1", last, last, time);
    let width = last;
    channels.toReversed().forEach((out, i) => {
      for (let j = 0; j < 3; j++) {
        resnet(add, `up_blocks.${i}.resnets.${j}`, width + (skips.pop() ?? 0), out, time);
        attend(`up_blocks.${i}.attentions.${j}`, out, channels.length - 1 - i);
        width = out;
      }
      if (i < channels.length - 1) add(`up_blocks.${i}.upsamplers.0.conv`, [out, out, 3, 3]);
    });
    add("conv_norm_out", [first]);
    add("conv_out", [4, first, 3, 3]);
  });
}

/** The tensors of a `ControlNetModel` for such a UNet: its way down, and one convolution for each state. */
export function controlNetTensors(sizes: UNetSizes): TensorTable {
  const { channels } = sizes;
  const [first = 0] = channels;
  const hint = [16, 16, 32, 32, 96, 96, 256];
  const isOnWayDown = (name: string) => /^(conv_in|time_embedding|down_blocks|mid_block)\./.test(name);
  const own = table((add) => {
    add("controlnet_cond_embedding.conv_in", [hint[0]!, 3, 3, 3]);
    for (let i = 0; i < 6; i++) add(`controlnet_cond_embedding.blocks.${i}`, [hint[i + 1]!, hint[i]!, 3, 3]);
    add("controlnet_cond_embedding.conv_out", [first, hint.at(-1)!, 3, 3]);
    // two layers to a block, and the downsampled state of all but the last
    const states = [
      first,
      ...channels.flatMap((width, i) => new Array<number>(i < channels.length - 1 ? 3 : 2).fill(width)),
    ];
    for (const [i, width] of states.entries()) add(`controlnet_down_blocks.${i}`, [width, width, 1, 1]);
    add("controlnet_mid_block", [channels.at(-1)!, channels.at(-1)!, 1, 1]);
  });
  return new Map([...[...unetTensors(sizes)].filter(([name]) => isOnWayDown(name)), ...own]);
}

/** The tensors of a CLIP text tower. */
export function clipTextTensors({
  width,
  layers,
  projection,
  vocabSize = 49408,
}: {
  width: number;
  layers: number;
  projection?: number;
  vocabSize?: number;
}): TensorTable {
  return table((add) => {
    add("text_model.embeddings.token_embedding", [vocabSize, width], false);
    add("text_model.embeddings.position_embedding", [77, width], false);
    for (let i = 0; i < layers; i++) {
      const layer = `text_model.encoder.layers.${i}`;
      for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) add(`${layer}.self_attn.${name}`, [width, width]);
      add(`${layer}.layer_norm1`, [width]);
      add(`${layer}.layer_norm2`, [width]);
      add(`${layer}.mlp.fc1`, [4 * width, width]);
      add(`${layer}.mlp.fc2`, [width, 4 * width]);
    }
    add("text_model.final_layer_norm", [width]);
    if (projection !== undefined) add("text_projection", [projection, width], false);
  });
}

/** The tensors of an `AutoencoderKL` with two layers per block. */
export function autoencoderTensors(channels: readonly number[] = [128, 256, 512, 512]): TensorTable {
  const [first = 0] = channels;
  const last = channels.at(-1) ?? 0;
  return table((add) => {
    const middle = (side: string) => {
      for (const i of [0, 1]) resnet(add, `${side}.mid_block.resnets.${i}`, last, last);
      add(`${side}.mid_block.attentions.0.group_norm`, [last]);
      for (const name of ["to_q", "to_k", "to_v", "to_out.0"])
        add(`${side}.mid_block.attentions.0.${name}`, [last, last]);
    };
    add("encoder.conv_in", [first, 3, 3, 3]);
    channels.forEach((width, i) => {
      for (let j = 0; j < 2; j++)
        resnet(add, `encoder.down_blocks.${i}.resnets.${j}`, j === 0 ? (channels[i - 1] ?? first) : width, width);
      if (i < channels.length - 1) add(`encoder.down_blocks.${i}.downsamplers.0.conv`, [width, width, 3, 3]);
    });
    middle("encoder");
    add("encoder.conv_norm_out", [last]);
    add("encoder.conv_out", [8, last, 3, 3]);
    add("quant_conv", [8, 8, 1, 1]);
    add("post_quant_conv", [4, 4, 1, 1]);
    add("decoder.conv_in", [last, 4, 3, 3]);
    middle("decoder");
    const up = channels.toReversed();
    up.forEach((width, i) => {
      for (let j = 0; j < 3; j++)
        resnet(add, `decoder.up_blocks.${i}.resnets.${j}`, j === 0 ? (up[i - 1] ?? last) : width, width);
      if (i < up.length - 1) add(`decoder.up_blocks.${i}.upsamplers.0.conv`, [width, width, 3, 3]);
    });
    add("decoder.conv_norm_out", [first]);
    add("decoder.conv_out", [3, first, 3, 3]);
  });
}
