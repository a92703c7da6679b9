import type { HubOptions, HubWarning, ModelSource } from "@latentkit/hub";
import type { PartConfigs, TokenMerging } from "@latentkit/onnx";
import type { Backend, Device } from "@latentkit/runtime";
import type { Dtype } from "./dtype.js";

/** How to open a network, and how to get it when it is on the Hub. */
export interface LoadOptions extends Pick<HubOptions, "revision" | "token" | "cacheDir" | "without" | "onProgress"> {
  /** Where it runs. @default "auto" */
  readonly device?: Device;
  /**
   * What networks compute in. `"fp16"`: float16 on GPUs that have it, elsewhere float32, with a warning. `"auto"`: the
   * same for checkpoints that are stored in 16 bits, without one. `"q8"` and `"q4"` pack the weights of Linear layers
   * into 8 or 4 bits while the network opens, `{ bits: 4, blockSize: 128 }` with a scale for each 128 of them; everything
   * else is as with `"auto"`. An ONNX export has the precision that its file has: of several, the one that is called so is taken.
   * @default "auto"
   */
  readonly dtype?: Dtype;
  /**
   * `"low"`: each network is opened when it is first run and freed when its stage of a picture is over, so that the
   * weights of one are in memory at a time. The next picture opens them again.
   * @default "normal"
   */
  readonly memory?: "normal" | "low";
  /**
   * The variant in the weights' file name: `"fp16"` takes `model.fp16.safetensors`, or of an ONNX export `model_fp16.onnx`.
   * A part of a pipeline that does not have it is opened by its plain weights, with a warning, where another part has it.
   */
  readonly variant?: string;
  /**
   * Merges tokens of the UNet that are alike before self-attention, and gives each its own again afterwards: an
   * approximation that saves time on large pictures. `{ ratio: 0.5 }` merges half of them. @default none are merged
   */
  readonly tokenMerging?: TokenMerging;
  /** A runtime of your own; `device` and `graphCache` are then ignored. */
  readonly backend?: Backend;
  /**
   * Keeps networks of a model on a disk as they were optimised for this machine, so that they open in a quarter of the time
   * from the second time on, for the disk space of their weights in float32: on Node's CPU. `true` takes
   * `$XDG_CACHE_HOME/latentkit/graphs` (`~/.cache/…`), a text is a folder of your own. @default false
   */
  readonly graphCache?: boolean | string;
  /** Folder of the network inside the source. */
  readonly subfolder?: string;
  /**
   * For single files: what you know better than the file, in the words of Diffusers' configurations
   * (`{ scheduler: { prediction_type: "epsilon" } }`), or a model in Diffusers layout whose configurations to take.
   */
  readonly config?: PartConfigs | ModelSource;
  /** Called for everything that is odd but no error. */
  readonly onWarning?: (warning: Warning) => void;
  readonly signal?: AbortSignal;
}

/** Something that a user should know and that does not stop the work. */
export interface Warning {
  readonly code:
    | HubWarning["code"]
    | "unused-tensors"
    | "assumed-setting"
    | "prompt-truncated"
    | "ignored-option"
    | "ignored-component"
    | "unseeded-encoder"
    | "device-lost"
    | "run-failed";
  readonly message: string;
}
