import type { LatentKitErrorCode } from "@latentkit/core";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenJson, goldenTensors } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { openCheckpoint } from "./checkpoint.js";
import { readTensor } from "./read-tensor.js";

const stem = "diffusion_pytorch_model";

/** A file of one-byte tensors. */
function holding(...names: string[]): Uint8Array {
  const entries = names.map((name, at) => [name, { dtype: "U8", shape: [1], data_offsets: [at, at + 1] }]);
  return safetensorsBytes(Object.fromEntries(entries), new Uint8Array(names.length));
}

const index = (weight_map: unknown) => JSON.stringify({ metadata: { total_size: 2 }, weight_map });

function open(contents: Record<string, string | Uint8Array>, variant?: string) {
  return openCheckpoint(memoryFiles(contents, "model/unet"), "w", variant);
}

describe("a reference checkpoint", () => {
  it("in shards is read as one", async () => {
    const checkpoint = await openCheckpoint(fixtureFiles("models/unet_sharded"), stem);
    const { weight_map } = goldenJson<{ weight_map: Record<string, string> }>(
      `models/unet_sharded/${stem}.safetensors.index.json`,
    );
    expect([...checkpoint.tensors.keys()].sort()).toEqual(Object.keys(weight_map).sort());
    expect(checkpoint.files).toHaveLength(3);
    for (const [name, shard] of Object.entries(weight_map)) expect(checkpoint.tensors.get(name)?.file.name).toBe(shard);
    const expected = goldenTensors(`models/unet_sharded/${weight_map["conv_in.weight"]}`).get("conv_in.weight");
    expect(await readTensor(checkpoint.tensors.get("conv_in.weight")!)).toEqual(expected?.data);
  });

  it("of which only the fp16 variant exists is found with and without its name", async () => {
    const files = fixtureFiles("models/unet_fp16");
    for (const checkpoint of [await openCheckpoint(files, stem), await openCheckpoint(files, stem, "fp16")]) {
      expect(checkpoint.location).toBe(`${stem}.fp16.safetensors`);
      expect(checkpoint.tensors.get("conv_in.weight")).toMatchObject({ dtype: "F16", shape: [8, 4, 3, 3] });
    }
  });
});

describe("the file taken", () => {
  const plain = { "w.safetensors": holding("a") };
  const half = { "w.fp16.safetensors": holding("b") };
  const shards = { "w-1.safetensors": holding("a"), "w-2.safetensors": holding("b", "unlisted") };
  const map = index({ a: "w-1.safetensors", b: "w-2.safetensors" });

  it.each([
    ["the plain one when both exist", { ...plain, ...half }, undefined, ["w.safetensors"]],
    ["the variant asked for", { ...plain, ...half }, "fp16", ["w.fp16.safetensors"]],
    [
      "the plain shards before a variant",
      { ...half, ...shards, "w.safetensors.index.json": map },
      undefined,
      ["w-1.safetensors", "w-2.safetensors"],
    ],
    [
      "the variant's shards",
      { ...plain, ...shards, "w.safetensors.index.fp16.json": map },
      "fp16",
      ["w-1.safetensors", "w-2.safetensors"],
    ],
    [
      "the variant's shards, named the older way",
      { ...shards, "w.fp16.safetensors.index.json": map },
      "fp16",
      ["w-1.safetensors", "w-2.safetensors"],
    ],
    ["any other variant", { "w.non_ema.safetensors": holding("c") }, "non_ema", ["w.non_ema.safetensors"]],
  ])("is %s", async (_, contents: Record<string, string | Uint8Array>, variant, expected) => {
    expect((await open(contents, variant)).files.map((file) => file.name)).toEqual(expected);
  });

  it("gives only the tensors that its index lists", async () => {
    expect([...(await open({ ...shards, "w.safetensors.index.json": map })).tensors.keys()]).toEqual(["a", "b"]);
  });
});

describe("what cannot be opened", () => {
  const indexed = (weight_map: unknown, shards: Record<string, Uint8Array> = {}) => ({
    ...shards,
    "w.safetensors.index.json": index(weight_map),
  });
  const cases: [string, Record<string, string | Uint8Array>, string | undefined, LatentKitErrorCode, string][] = [
    ["nothing", {}, undefined, "file-not-found", "model/unet: w.safetensors or w.safetensors.index.json not found"],
    [
      "no such variant",
      { "w.safetensors": holding("a") },
      "fp16",
      "file-not-found",
      "w.fp16.safetensors or w.safetensors.index.fp16.json not found; there is w.safetensors, so leave variant out",
    ],
    [
      "a pickle",
      { "w.bin": "" },
      undefined,
      "unsupported-model",
      "model/unet: found w.bin, need w.safetensors or w.safetensors.index.json; download the .safetensors",
    ],
    ["an export", { "model.onnx": "" }, undefined, "unsupported-model", "found model.onnx"],
    [
      "an index without a map",
      { "w.safetensors.index.json": "{}" },
      undefined,
      "invalid-checkpoint",
      "w.safetensors.index.json: weight_map is missing",
    ],
    [
      "an index that is cut",
      { "w.safetensors.index.json": '{"weight' },
      undefined,
      "invalid-checkpoint",
      "w.safetensors.index.json is not valid JSON",
    ],
    [
      "a shard elsewhere",
      indexed({ a: "../w.safetensors" }),
      undefined,
      "invalid-checkpoint",
      'the file of tensor a is "../w.safetensors"',
    ],
    ["a shard without a name", indexed({ a: 3 }), undefined, "invalid-checkpoint", "the file of tensor a is 3"],
    [
      "a missing shard",
      indexed({ a: "w-1.safetensors" }),
      undefined,
      "file-not-found",
      "model/unet: w-1.safetensors not found, which w.safetensors.index.json lists",
    ],
    [
      "a shard without its tensor",
      indexed({ a: "w-1.safetensors" }, { "w-1.safetensors": holding("b") }),
      undefined,
      "invalid-checkpoint",
      "the tensor a is not in w-1.safetensors",
    ],
    [
      "a broken shard",
      indexed({ a: "w-1.safetensors" }, { "w-1.safetensors": new Uint8Array(4) }),
      undefined,
      "invalid-checkpoint",
      "w-1.safetensors: 4 bytes are too few",
    ],
  ];

  it.each(cases)("%s", async (_, contents, variant, code, message) => {
    await expect(open(contents, variant)).rejects.toThrow(message);
    await expect(open(contents, variant)).rejects.toMatchObject({ name: "LatentKitError", code });
  });
});
