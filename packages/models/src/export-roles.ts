import type { ValueType } from "@latentkit/runtime";

/** What an input of an export means. */
export interface InputRole {
  /** What exporters call it. */
  readonly names: readonly string[];
  /** The axes that it has here; the first is one per item of the batch, except for `steps`. */
  readonly axes: string;
  /** The element type that it has here. */
  readonly type: ValueType;
  /** The element types that it may have there. */
  readonly accepts: readonly ValueType[];
  /** Exports may lack it. */
  readonly optional?: true;
  /** Where an export lacks it, values that are all this one change nothing. */
  readonly neutral?: number;
}

/** What an output of an export means. */
export interface OutputRole {
  readonly names: readonly string[];
  readonly axes: string;
}

/** The inputs and outputs of a network by the names that runners use, and what exporters make of them. */
export interface ExportRoles {
  readonly network: string;
  readonly inputs: Readonly<Record<string, InputRole>>;
  readonly outputs: Readonly<Record<string, OutputRole>>;
  /** Outputs that come in numbers: `hidden_states.0`, `hidden_states.1`, … */
  readonly series?: Readonly<Record<string, string>>;
  /** Outputs of which an export must have one. */
  readonly gives: readonly string[];
}

const FLOATS: readonly ValueType[] = ["float32", "float16"];
const INTEGERS: readonly ValueType[] = ["int32", "int64"];
const NUMBERS: readonly ValueType[] = [...FLOATS, ...INTEGERS];

const PICTURE = "batch channels height width";
const WORDS = "batch length width";

/** Optimum, Olive, Diffusers' script; `tokens` and `text_embeddings` are names of NVIDIA's and ONNX Runtime's demos. */
export const clipTextRoles: ExportRoles = {
  network: "CLIP text encoder",
  inputs: {
    input_ids: { names: ["input_ids", "tokens"], axes: "batch length", type: "int32", accepts: INTEGERS },
    attention_mask: {
      names: ["attention_mask"],
      axes: "batch length",
      type: "int32",
      accepts: [...NUMBERS, "bool"],
      optional: true,
      neutral: 1,
    },
  },
  outputs: {
    last_hidden_state: { names: ["last_hidden_state", "text_embeddings"], axes: WORDS },
    pooler_output: { names: ["pooler_output", "pooled_output"], axes: "batch width" },
    text_embeds: { names: ["text_embeds"], axes: "batch width" },
  },
  series: { hidden_states: WORDS },
  gives: ["last_hidden_state", "hidden_states"],
};

/** `latent` is the output's name in NVIDIA's and ONNX Runtime's demos. */
export const unetRoles: ExportRoles = {
  network: "UNet",
  inputs: {
    sample: { names: ["sample", "latent_model_input"], axes: PICTURE, type: "float32", accepts: FLOATS },
    timestep: { names: ["timestep", "timesteps", "t"], axes: "steps", type: "float32", accepts: NUMBERS },
    encoder_hidden_states: {
      names: ["encoder_hidden_states", "context", "prompt_embeds"],
      axes: WORDS,
      type: "float32",
      accepts: FLOATS,
    },
    text_embeds: {
      names: ["text_embeds", "pooled_prompt_embeds"],
      axes: "batch width",
      type: "float32",
      accepts: FLOATS,
      optional: true,
    },
    time_ids: {
      names: ["time_ids", "add_time_ids"],
      axes: "batch ids",
      type: "float32",
      accepts: NUMBERS,
      optional: true,
    },
    timestep_cond: { names: ["timestep_cond"], axes: "batch width", type: "float32", accepts: FLOATS, optional: true },
    class_labels: { names: ["class_labels"], axes: "batch", type: "int64", accepts: INTEGERS, optional: true },
  },
  outputs: { out_sample: { names: ["out_sample", "noise_pred", "latent", "sample"], axes: PICTURE } },
  gives: ["out_sample"],
};

export const vaeDecoderRoles: ExportRoles = {
  network: "VAE decoder",
  inputs: {
    latent_sample: {
      names: ["latent_sample", "latents", "latent", "sample"],
      axes: PICTURE,
      type: "float32",
      accepts: FLOATS,
    },
  },
  outputs: { sample: { names: ["sample", "images", "image"], axes: PICTURE } },
  gives: ["sample"],
};

/** `latent_parameters` is mean and logvar one after the other; `latent_sample` was drawn by the graph itself. */
export const vaeEncoderRoles: ExportRoles = {
  network: "VAE encoder",
  inputs: {
    sample: { names: ["sample", "images", "image"], axes: PICTURE, type: "float32", accepts: FLOATS },
  },
  outputs: {
    latent_parameters: { names: ["latent_parameters", "moments"], axes: PICTURE },
    latent_sample: { names: ["latent_sample", "latents", "latent"], axes: PICTURE },
  },
  gives: ["latent_parameters", "latent_sample"],
};
