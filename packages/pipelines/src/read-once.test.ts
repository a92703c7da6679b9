import { readFileSync } from "node:fs";
import type { ModelFile, ModelFiles } from "@latentkit/core";
import { openModel } from "@latentkit/hub/node";
import type { Dtype } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { CLIPTokenizer } from "@latentkit/tokenizer";
import { expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures } from "../../../tests/golden.js";
import { memoryFile } from "../../../tests/memory-files.js";
import { DiffusionPipeline } from "./diffusion-pipeline.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });

/** Counts how often each byte of a file is read; files without a path come to the session through `read` alone. */
function counting() {
  const counts = new Map<string, Uint8Array>();
  const counted = (file: ModelFile): ModelFile => {
    const times = counts.get(file.name) ?? new Uint8Array(file.size);
    counts.set(file.name, times);
    const read = (offset = 0, length = file.size - offset) => {
      for (let i = offset; i < offset + length; i++) times[i]!++;
      return file.read(offset, length);
    };
    return { name: file.name, size: file.size, read };
  };
  const folder = (files: ModelFiles): ModelFiles => ({
    location: files.location,
    find: async (path) => {
      const file = await files.find(path);
      return file && counted(file);
    },
    at: (name) => folder(files.at(name)),
  });
  return { counts, counted, folder };
}

const most = (counts: ReadonlyMap<string, Uint8Array>) =>
  [...counts]
    .filter(([name]) => name.endsWith(".safetensors"))
    .map(([name, times]) => [name, times.reduce((most, time) => Math.max(most, time))]);

it.each<Dtype>(["auto", "fp32", "q8", "q4"])(
  "opening a folder as %s reads each byte of its weights at most once",
  async (dtype) => {
    for (const name of ["tiny-sd", "tiny-sdxl"]) {
      const { counts, folder } = counting();
      const files = folder(fixtureFiles(`pipelines/${name}`));
      await (await DiffusionPipeline.fromPretrained(files, { backend, dtype })).dispose();
      const found = most(counts);
      expect(found.length).toBeGreaterThan(2);
      expect(found).toEqual(found.map(([file]) => [file, 1]));
    }
  },
);

it.each<Dtype>(["auto", "q8"])("opening a single file as %s does, too", async (dtype) => {
  const { counts, counted } = counting();
  const file = counted(memoryFile("sd1.safetensors", readFileSync(`${fixtures}single_file/sd1.safetensors`)));
  const source = { ...(await openModel(`${fixtures}single_file/sd1.safetensors`)), singleFile: file };
  const config = JSON.parse(readFileSync(`${fixtures}single_file/sd1.configs.json`, "utf8"));
  const tokenizer = await CLIPTokenizer.fromPretrained(`${fixtures}pipelines/tiny-sd/tokenizer`);
  await (await StableDiffusionPipeline.fromPretrained(source, { backend, dtype, config, tokenizer })).dispose();
  expect(most(counts)).toEqual([["sd1.safetensors", 1]]);
});
