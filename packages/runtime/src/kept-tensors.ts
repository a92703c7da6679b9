import { LatentKitError } from "@latentkit/core";
import type { InferenceSession, Tensor } from "onnxruntime-common";
import { copyAs, isValueType, type KeptReference, type PackedValue } from "./packed-value.js";
import { runtimeError } from "./runtime-error.js";

/** A tensor of ONNX Runtime, and the options of the session that made it. */
export interface MadeTensor {
  readonly tensor: Tensor;
  readonly options: InferenceSession.SessionOptions;
}

/** Copies the values of a tensor that lies on a device. */
export type Download = (tensor: Tensor, options: InferenceSession.SessionOptions) => Promise<ArrayBufferView>;

/** ONNX Runtime's own way. */
export const download: Download = async (tensor) => {
  const data = await tensor.getData();
  if (ArrayBuffer.isView(data)) return data;
  throw unsupported(tensor);
};

/** Tensors that stay where they were made, by names. */
export interface KeptTensors {
  keep(made: MadeTensor): KeptReference;
  /** @throws LatentKitError `"device-lost"` for one that is gone. */
  find(kept: string): MadeTensor;
  drop(kept: string): void;
}

export function keptTensors(): KeptTensors {
  const values = new Map<string, MadeTensor>();
  return {
    keep(made) {
      const { type, dims } = made.tensor;
      if (!isValueType(type)) throw unsupported(made.tensor);
      const kept = crypto.randomUUID();
      values.set(kept, made);
      return { kept, type, shape: dims };
    },
    find(kept) {
      const made = values.get(kept);
      if (made) return made;
      throw new LatentKitError("device-lost", "a value that was kept on the device is gone: compute it again");
    },
    drop(kept) {
      const made = values.get(kept);
      values.delete(kept);
      made?.tensor.dispose();
    },
  };
}

/** A copy of a tensor's values, wherever they are. */
export async function copyOf({ tensor, options }: MadeTensor, fetch: Download): Promise<PackedValue> {
  const { type, dims, location } = tensor;
  const data = location === "cpu" || location === "cpu-pinned" ? tensor.data : await fetched(tensor, options, fetch);
  if (!isValueType(type) || !ArrayBuffer.isView(data)) throw unsupported(tensor);
  return { type, data: copyAs(type, data), shape: dims };
}

async function fetched(
  tensor: Tensor,
  options: InferenceSession.SessionOptions,
  fetch: Download,
): Promise<ArrayBufferView> {
  try {
    return await fetch(tensor, options);
  } catch (error) {
    throw runtimeError("run-failed", "a result could not be fetched", error);
  }
}

function unsupported({ type }: Tensor): LatentKitError {
  return new LatentKitError("run-failed", `a result is ${type}, which is not supported`);
}
