import { existsSync } from "node:fs";
import { publishedFiles } from "../tests/original-layout.js";
import { type StoredType, writeTensors } from "./random-tensors.js";

/** Writes a full-size single file in the original layout, of random weights, once. */
export async function randomSingleFile(
  model: "sd1" | "sdxl",
  path: string,
  type: StoredType = "fp16",
): Promise<string> {
  if (!existsSync(path)) await writeTensors(path, new Map(Object.entries(publishedFiles[model])), type);
  return path;
}
