import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCheckpointFile, readTensor } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { modelUrl } from "@latentkit/tiny-emoji";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LatentKitError, openSource, StableDiffusionPipeline } from "./index.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const weights = [
  "unet/diffusion_pytorch_model",
  "vae/diffusion_pytorch_model",
  "vae_tiny/diffusion_pytorch_model",
  "text_encoder/model",
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
  await cp(modelUrl, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const files = (await readdir(modelUrl, { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(modelUrl.pathname.length));

/** Never read. */
const unread = "tokenizer/special_tokens_map.json";
/** Has defaults, as in transformers; is not there in most checkpoints. */
const optional = ["tokenizer/tokenizer_config.json", "vae_tiny/config.json"];

it.each(weights)("%s has finite values in every tensor", async (stem) => {
  const file = await (await openSource(undefined)).find(`${stem}.safetensors`);
  const { tensors } = await openCheckpointFile(file!);
  expect(tensors.size).toBeGreaterThan(30);
  for (const tensor of tensors.values()) {
    const values = await readTensor(tensor);
    expect(values.length, tensor.name).toBe(tensor.shape.reduce((size, axis) => size * axis, 1));
    expect(values.every(Number.isFinite), tensor.name).toBe(true);
  }
});

async function failure(): Promise<unknown> {
  return StableDiffusionPipeline.fromPretrained(folder, { backend }).then(
    () => "it opened",
    (error: unknown) => error,
  );
}

it.each(files.filter((file) => file !== unread && !optional.includes(file)))(
  "without %s it is refused by name",
  async (file) => {
    await rm(join(folder, file));
    const error = await failure();
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code: "file-not-found" });
    expect(String(error)).toContain(file.split("/").at(-1));
  },
);

it.each(files.filter((file) => file !== unread))("with half of %s it is refused by name", async (file) => {
  const { length } = await readFile(join(folder, file));
  await truncate(join(folder, file), Math.floor(length / 2));
  const error = await failure();
  expect(error).toBeInstanceOf(LatentKitError);
  expect(error).toMatchObject({ code: "invalid-checkpoint" });
  expect(String(error)).toContain(file.split("/").at(-1));
});

it.each(files.filter((file) => file !== unread))("with noise in place of %s it is refused", async (file) => {
  await writeFile(
    join(folder, file),
    Uint8Array.from({ length: 4096 }, (_, i) => (i * i * 31 + 7) % 251),
  );
  const error = await failure();
  expect(error).toBeInstanceOf(LatentKitError);
  expect(error).toMatchObject({ code: "invalid-checkpoint" });
});
