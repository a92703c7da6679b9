/** What the name of a weights file says. */
export interface WeightsFile {
  readonly path: string;
  readonly format: "safetensors" | "onnx";
  readonly variant: string | undefined;
  /** How many files the weights are split into, and which of them this is, from 1. */
  readonly shards: number;
  readonly shard: number;
}

/**
 * As `save_pretrained` of Diffusers and of transformers names them: `model.safetensors`, `model.fp16.safetensors`,
 * `model-00001-of-00002.safetensors`. Diffusers has put the variant before and after the shard.
 */
const SAFETENSORS =
  /^(?:diffusion_pytorch_model|model)(?:\.([\w-]+?))?(?:-(\d{5})-of-(\d{5}))?(?:\.([\w-]+))?\.safetensors$/;
const ONNX = /^(?:model[._]([\w-]+)|[^.]+)\.onnx$/;

/** Reads a path as a weights file, or gives undefined when it is none that could be opened. */
export function weightsFile(path: string): WeightsFile | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const graph = ONNX.exec(name);
  if (graph) return { path, format: "onnx", variant: graph[1], shards: 1, shard: 1 };
  const found = SAFETENSORS.exec(name);
  if (!found) return undefined;
  const [, early, shard = "1", shards = "1", late] = found;
  return { path, format: "safetensors", variant: early ?? late, shards: Number(shards), shard: Number(shard) };
}
