import { readFileSync } from "node:fs";
import { halfToFloat, type ModelFiles, type Tensor, tensor } from "@latentkit/core";
import { memoryModel } from "@latentkit/hub";
import { fixtures, golden, goldenTensors } from "./golden.js";
import { safetensorsBytes } from "./safetensors-bytes.js";

const WEIGHTS = "diffusion_pytorch_model.safetensors";

/** What to change in a network of the fixtures. */
export interface NetworkChange {
  /** Keys of its `config.json`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Tensors by name, made of the ones that it has. */
  tensors(have: (name: string) => Tensor): Readonly<Record<string, Tensor>>;
}

/** A network like one under `fixtures/`, in memory. */
export function changedNetwork(folder: string, change: NetworkChange): ModelFiles {
  const tensors = goldenTensors(`${folder}/${WEIGHTS}`);
  const config = JSON.parse(readFileSync(`${fixtures}${folder}/config.json`, "utf8"));
  const have = (name: string) => {
    const stored = tensors.get(name);
    return stored?.data instanceof Uint16Array ? tensor(halfToFloat(stored.data), stored.shape) : golden(tensors, name);
  };
  const all = { ...Object.fromEntries([...tensors.keys()].map((name) => [name, have(name)])), ...change.tensors(have) };
  return memoryModel({
    "config.json": new TextEncoder().encode(JSON.stringify({ ...config, ...change.config })),
    [WEIGHTS]: tensorFile(all),
  });
}

/** Tensors as the bytes of a `.safetensors` file. */
export function tensorFile(tensors: Readonly<Record<string, Tensor>>): Uint8Array {
  let at = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => {
      const from = at;
      at += data.byteLength;
      return [name, { dtype: "F32", shape, data_offsets: [from, at] }];
    }),
  );
  const bytes = new Uint8Array(at);
  for (const [name, { data }] of Object.entries(tensors))
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header[name]!.data_offsets[0]);
  return safetensorsBytes(header, bytes);
}
