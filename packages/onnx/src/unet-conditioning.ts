import { silu } from "./activation.js";
import { add } from "./arithmetic.js";
import type { GraphBuilder, GraphValue } from "./graph-builder.js";
import { type TextSource, textApart, textInside } from "./text-source.js";
import { sinusoid, timestepEmbedding } from "./timestep-embedding.js";
import type { TokenMergers } from "./token-merging.js";
import type { UNetEncoderConfig } from "./unet-encoder-config.js";
import type { Weights } from "./weights.js";

/** What every block of one UNet shares. */
export interface Conditioning {
  readonly config: UNetEncoderConfig;
  /** The timestep's embedding after its activation, `[1 or B, width]`. */
  readonly time: GraphValue;
  readonly text: TextSource;
  /** How tokens are merged before self-attention. @default they are not */
  readonly tokenMerging?: TokenMergers | undefined;
}

/**
 * Declares what a text-conditional network is told beside its sample: `timestep`, `encoder_hidden_states`, and where the
 * configuration asks for them `timestep_cond`, `class_labels`, `text_embeds` and `time_ids`.
 *
 * @param apart where `encoder_hidden_states` goes in, and is projected, in place of `g`.
 */
export function unetConditioning(
  g: GraphBuilder,
  w: Weights,
  config: UNetEncoderConfig,
  apart?: GraphBuilder,
): Conditioning {
  const time = timeEmbedding(g, w, config);
  return { config, time, text: apart ? textApart(g, apart, config) : textInside(g, config) };
}

/** The timestep, and whatever else the network is told about the whole picture, as one vector. */
function timeEmbedding(g: GraphBuilder, w: Weights, config: UNetEncoderConfig): GraphValue {
  const timestep = g.node("Unsqueeze", [g.input("timestep", "float32", ["steps"]), g.constant("int64", [1])], {
    shape: ["steps", 1],
  });
  const guidance =
    config.timeCondProjDim === undefined ? undefined : g.floatInput("timestep_cond", ["batch", config.timeCondProjDim]);
  const embedding = timestepEmbedding(
    g,
    w.at("time_embedding"),
    sinusoid(g, timestep, config.downBlocks[0]!.channels, config),
    timeWidth(config),
    guidance,
  );
  const others = [classEmbedding(g, w, config), textTimeEmbedding(g, w, config)].filter((value) => value !== undefined);
  return silu(
    g,
    others.reduce((sum, other) => add(g, other, sum), embedding),
  );
}

/** Width of the vector that tells every block the timestep. */
const timeWidth = (config: UNetEncoderConfig): number => 4 * config.downBlocks[0]!.channels;

function classEmbedding(g: GraphBuilder, w: Weights, config: UNetEncoderConfig): GraphValue | undefined {
  if (config.classEmbeddings === undefined) return undefined;
  const width = timeWidth(config);
  const table = g.weight(w.at("class_embedding").tensor("weight", [config.classEmbeddings, width]));
  return g.node("Gather", [table, g.input("class_labels", "int64", ["batch"])], { shape: ["batch", width] });
}

/** SDXL's pooled text beside its sizes and crop (Podell et al. 2023, §2.2). */
function textTimeEmbedding(g: GraphBuilder, w: Weights, config: UNetEncoderConfig): GraphValue | undefined {
  if (!config.textTime) return undefined;
  const { timeEmbedDim, inputDim } = config.textTime;
  const text = g.input("text_embeds", "float32", ["batch", "text_width"]);
  const ids = g.node("Unsqueeze", [g.input("time_ids", "float32", ["batch", "ids"]), g.constant("int64", [2])], {
    shape: ["batch", "ids", 1],
  });
  const waves = g.node("Flatten", [sinusoid(g, ids, timeEmbedDim, config)], {
    attributes: { axis: 1 },
    shape: ["batch", "waves"],
  });
  const joined = g.node("Concat", [text, waves], { attributes: { axis: 1 }, shape: ["batch", inputDim] });
  return timestepEmbedding(g, w.at("add_embedding"), joined, timeWidth(config));
}
