import type { HubWarning, ModelSource } from "@latentkit/hub";
import type { PartConfigs } from "@latentkit/onnx";
import type { Backend, Device } from "@latentkit/runtime";

/** How to open a network. */
export interface LoadOptions {
  /** Where it runs. @default "auto" */
  readonly device?: Device;
  /** Precision of the network; checkpoints in half precision are widened. @default "auto" */
  readonly dtype?: "auto" | "fp32";
  /** The variant in the weights' file name: `"fp16"` takes `model.fp16.safetensors`, or of an ONNX export `model_fp16.onnx`. */
  readonly variant?: string;
  /** A runtime of your own; `device` is then ignored. */
  readonly backend?: Backend;
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
    | "unseeded-encoder";
  readonly message: string;
}
