import { readFileSync } from "node:fs";
import { type ModelFiles, type Tensor, tensor, torchRandom } from "@latentkit/core";
import { memoryModel } from "@latentkit/hub";
import { tensorFile } from "./changed-network.js";
import { fixtures } from "./golden.js";

/** A network of `fixtures/` without weights: its configuration, and `shapes.json`, from which they are drawn as the reference drew them. */
export function drawnNetwork(folder: string): ModelFiles {
  const text = (name: string) => readFileSync(`${fixtures}${folder}/${name}`, "utf8");
  const shapes: [string, number[]][] = Object.entries(JSON.parse(text("shapes.json")));
  const tensors = shapes.map(([name, shape], i): [string, Tensor] => [name, drawn(name, shape, i)]);
  return memoryModel({
    "config.json": new TextEncoder().encode(text("config.json")),
    "diffusion_pytorch_model.safetensors": tensorFile(Object.fromEntries(tensors)),
  });
}

function drawn(name: string, shape: readonly number[], seed: number): Tensor {
  const { data } = torchRandom(seed).normal(shape);
  const fanIn = Math.sqrt(shape.slice(1).reduce((product, side) => product * side, 1));
  const value = (x: number): number => {
    if (name === "time_proj.weight") return x;
    if (name.endsWith("norm_cross.weight")) return 1 + 0.1 * x;
    return shape.length === 1 ? 0.1 * x : x / fanIn;
  };
  return tensor(data.map(value), shape);
}
