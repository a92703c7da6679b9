import { cp, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";
import { CLIPTextEncoder, type Warning } from "@latentkit/models";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { StableDiffusionPipeline } from "./stable-diffusion-pipeline.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const unetFile = "unet/diffusion_pytorch_model.safetensors";
const vaeFile = "vae/diffusion_pytorch_model.safetensors";

/** A copy of a good checkpoint, to break. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "latentkit-"));
  await cp(`${fixtures}pipelines/tiny-sd`, folder, { recursive: true });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
type Break = () => Promise<unknown>;

const remove =
  (path: string): Break =>
  () =>
    rm(join(folder, path), { recursive: true });

const overwrite =
  (path: string, content: string): Break =>
  () =>
    writeFile(join(folder, path), content);

function changeJson(path: string, change: Record<string, unknown>): Break {
  return async () => {
    const json = JSON.parse(await readFile(join(folder, path), "utf8"));
    await writeFile(join(folder, path), JSON.stringify({ ...json, ...change }));
  };
}

/** Leaves the bytes after the header as they are. */
function changeHeader(path: string, change: (header: Header) => void): Break {
  return async () => {
    const bytes = await readFile(join(folder, path));
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const header: Header = JSON.parse(bytes.subarray(8, start).toString());
    change(header);
    await writeFile(join(folder, path), safetensorsBytes(header, bytes.subarray(start)));
  };
}

/** Removes a tensor together with its bytes. */
function dropTensor(path: string, name: string): Break {
  return async () => {
    const bytes = await readFile(join(folder, path));
    const start = 8 + Number(bytes.readBigUInt64LE(0));
    const { [name]: dropped, ...header }: Header = JSON.parse(bytes.subarray(8, start).toString());
    const [begin = 0, end = 0] = dropped?.data_offsets ?? [];
    for (const [key, { data_offsets: offsets }] of Object.entries(header)) {
      if (key !== "__metadata__" && offsets[0] >= end)
        header[key]!.data_offsets = [offsets[0] - (end - begin), offsets[1] - (end - begin)];
    }
    const data = Buffer.concat([bytes.subarray(start, start + begin), bytes.subarray(start + end)]);
    await writeFile(join(folder, path), safetensorsBytes(header, data));
  };
}

const headerLength = (length: bigint): Break => {
  return async () => {
    const bytes = await readFile(join(folder, unetFile));
    bytes.writeBigUInt64LE(length);
    await writeFile(join(folder, unetFile), bytes);
  };
};

const cases: [string, Break, LatentKitErrorCode, string[]][] = [
  [
    "model_index.json is missing",
    remove("model_index.json"),
    "file-not-found",
    ["model_index.json is missing in", "downloaded completely"],
  ],
  [
    "model_index.json is cut",
    overwrite("model_index.json", '{"_class_name": "Stable'),
    "invalid-checkpoint",
    ["model_index.json is not valid JSON: line 1, column 17"],
  ],
  [
    "model_index.json is a list",
    overwrite("model_index.json", "[]"),
    "invalid-checkpoint",
    ["model_index.json: expected a JSON object"],
  ],
  [
    "the pipeline is another one",
    changeJson("model_index.json", { _class_name: "FluxPipeline" }),
    "unsupported-model",
    ['model_index.json: _class_name is "FluxPipeline"; supported: StableDiffusionPipeline'],
  ],
  [
    "the pipeline is not named",
    changeJson("model_index.json", { _class_name: undefined }),
    "unsupported-model",
    ["_class_name is missing; supported: StableDiffusionPipeline"],
  ],
  [
    "the UNet is of another class",
    changeJson("model_index.json", { unet: ["diffusers", "UNet3DConditionModel"] }),
    "unsupported-model",
    ["model_index.json: unet is UNet3DConditionModel; supported: UNet2DConditionModel"],
  ],
  [
    "no autoencoder is named",
    changeJson("model_index.json", { vae: [null, null] }),
    "unsupported-model",
    ["vae is missing; supported: AutoencoderKL, AutoencoderTiny"],
  ],
  ["the UNet's folder is missing", remove("unet"), "file-not-found", ["config.json is missing in", "/unet"]],
  [
    "the text encoder's folder is missing",
    remove("text_encoder"),
    "file-not-found",
    ["config.json is missing in", "/text_encoder"],
  ],
  ["the autoencoder's folder is missing", remove("vae"), "file-not-found", ["config.json is missing in", "/vae"]],
  [
    "the scheduler's folder is missing",
    remove("scheduler"),
    "file-not-found",
    ["scheduler/scheduler_config.json is missing in"],
  ],
  ["the tokenizer's folder is missing", remove("tokenizer"), "file-not-found", ["/tokenizer", "vocab.json"]],
  ["the merges are missing", remove("tokenizer/merges.txt"), "file-not-found", ["merges.txt"]],
  [
    "the vocabulary is cut",
    overwrite("tokenizer/vocab.json", '{"a": 1,'),
    "invalid-checkpoint",
    ["tokenizer/vocab.json is not valid JSON"],
  ],
  ["the weights are missing", remove(unetFile), "file-not-found", ["/unet", "diffusion_pytorch_model.safetensors"]],
  [
    "the weights are cut",
    () => truncate(join(folder, unetFile), 500_000),
    "invalid-checkpoint",
    [unetFile, "the file has only 500000", "download it again"],
  ],
  [
    "the weights are cut in their header",
    () => truncate(join(folder, vaeFile), 1000),
    "invalid-checkpoint",
    [vaeFile, "the file has 1000"],
  ],
  [
    "the weights are empty",
    () => truncate(join(folder, vaeFile), 0),
    "invalid-checkpoint",
    [vaeFile, "0 bytes are too few"],
  ],
  [
    "the header claims too much",
    headerLength(100_000_001n),
    "invalid-checkpoint",
    [unetFile, "more than the 100000000 allowed"],
  ],
  [
    "the header claims more than there is",
    headerLength(90_000_000n),
    "invalid-checkpoint",
    [unetFile, "its header claims 90000000 bytes"],
  ],
  [
    "the weights are no safetensors",
    overwrite(unetFile, "<html>not found</html>"),
    "invalid-checkpoint",
    [unetFile, "its header claims"],
  ],
  [
    "a tensor lies outside the file",
    changeHeader(unetFile, (header) => {
      header["conv_in.bias"]!.data_offsets = [2 ** 40, 2 ** 40 + 32];
    }),
    "invalid-checkpoint",
    [unetFile, "tensor conv_in.bias", "the file has only"],
  ],
  [
    "two tensors overlap",
    changeHeader(unetFile, (header) => {
      header["conv_out.bias"]!.data_offsets = [0, 16];
    }),
    "invalid-checkpoint",
    [unetFile, "overlap", "conv_out.bias"],
  ],
  [
    "a tensor has another shape",
    changeHeader(vaeFile, (header) => {
      header["decoder.mid_block.resnets.0.conv1.weight"]!.shape = [16, 16, 9];
    }),
    "invalid-checkpoint",
    [vaeFile, "decoder.mid_block.resnets.0.conv1.weight has shape [16, 16, 9], expected [16, 16, 3, 3]"],
  ],
  [
    "a tensor has its sides swapped",
    changeHeader(unetFile, ({ "conv_in.weight": weight }) => {
      weight!.shape = [4, 8, 3, 3];
    }),
    "invalid-checkpoint",
    ["conv_in.weight has shape [4, 8, 3, 3], expected [8, 4, 3, 3]"],
  ],
  [
    "a tensor is missing",
    dropTensor(unetFile, "mid_block.resnets.0.norm1.weight"),
    "invalid-checkpoint",
    [unetFile, "the tensor mid_block.resnets.0.norm1.weight is missing"],
  ],
  [
    "a bias is missing",
    dropTensor(unetFile, "conv_in.bias"),
    "invalid-checkpoint",
    [unetFile, "the tensor conv_in.bias is missing"],
  ],
  [
    "weights and configuration are of two models",
    changeJson("unet/config.json", { block_out_channels: [8, 16, 16, 24] }),
    "invalid-checkpoint",
    ["is config.json the one of this checkpoint?"],
  ],
  [
    "a block is not supported",
    changeJson("unet/config.json", {
      down_block_types: ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
    }),
    "unsupported-model",
    ["/unet/config.json", 'down_block_types[1] is "AttnDownBlock2D"; supported: CrossAttnDownBlock2D, DownBlock2D'],
  ],
  [
    "an activation is not supported",
    changeJson("text_encoder/config.json", { hidden_act: "gelu_new" }),
    "unsupported-model",
    ["/text_encoder/config.json", 'hidden_act is "gelu_new"; supported:'],
  ],
  [
    "a configuration is cut",
    overwrite("vae/config.json", "{"),
    "invalid-checkpoint",
    ["vae/config.json is not valid JSON"],
  ],
  [
    "the scheduler is of another class",
    changeJson("scheduler/scheduler_config.json", { _class_name: "VQDiffusionScheduler" }),
    "unsupported-model",
    ['scheduler_config.json: _class_name is "VQDiffusionScheduler"; supported:', "EulerDiscreteScheduler"],
  ],
  [
    "the scheduler is not named",
    changeJson("scheduler/scheduler_config.json", { _class_name: undefined }),
    "unsupported-model",
    ["_class_name is missing; supported:"],
  ],
  [
    "the UNet is made for inpainting",
    async () => cp(`${fixtures}pipelines/tiny-inpaint-unet`, join(folder, "unet"), { recursive: true }),
    "unsupported-model",
    ["channels of latents: the unet takes 9, the vae gives 4"],
  ],
  [
    "the UNet is made for another text encoder",
    async () => cp(`${fixtures}pipelines/tiny-sdxl/unet`, join(folder, "unet"), { recursive: true }),
    "unsupported-model",
    ["features per token: the unet takes 56, the text_encoder gives 32"],
  ],
];

async function failure(run: Promise<unknown>): Promise<unknown> {
  return run.then(
    () => "nothing was thrown",
    (error: unknown) => error,
  );
}

describe("a checkpoint is refused when", () => {
  it.each(cases)("%s", async (_, breakIt, code, parts) => {
    await breakIt();
    const error = await failure(StableDiffusionPipeline.fromPretrained(folder, { backend }));
    expect(error).toBeInstanceOf(LatentKitError);
    expect(error).toMatchObject({ code });
    for (const part of parts) expect(String(error)).toContain(part);
  });
});

describe("fromPretrained", () => {
  it("says that a folder is missing, and what a Hub id needs", async () => {
    const missing = await failure(StableDiffusionPipeline.fromPretrained(`${folder}/none`));
    expect(missing).toMatchObject({ code: "file-not-found", message: expect.stringContaining(`${folder}/none`) });
    vi.stubEnv("HF_HUB_OFFLINE", "1").stubEnv("HF_HUB_CACHE", folder);
    const id = await failure(StableDiffusionPipeline.fromPretrained("stabilityai/sd-turbo"));
    expect(id).toMatchObject({ message: expect.stringMatching(/HF_HUB_OFFLINE is set, and stabilityai\/sd-turbo/) });
  });

  it("refuses a file, and sources of another kind", async () => {
    expect(await failure(StableDiffusionPipeline.fromPretrained(join(folder, unetFile)))).toMatchObject({
      code: "unsupported-model",
    });
    expect(await failure(StableDiffusionPipeline.fromPretrained(""))).toBeInstanceOf(TypeError);
    // @ts-expect-error: not a source
    expect(await failure(StableDiffusionPipeline.fromPretrained(7))).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("source: expected"),
    });
    // @ts-expect-error: not a source
    expect(await failure(StableDiffusionPipeline.fromPretrained(null))).toMatchObject({
      name: "TypeError",
      message: expect.stringContaining("source: expected"),
    });
  });

  it("names the devices and precisions that there are", async () => {
    // @ts-expect-error: not a device
    const device = await failure(StableDiffusionPipeline.fromPretrained(folder, { device: "gpu" }));
    expect(device).toBeInstanceOf(RangeError);
    expect(String(device)).toContain('device: expected one of auto, cpu, cuda, webgpu, dml, coreml, got "gpu"');
    // @ts-expect-error: not a precision
    const dtype = await failure(StableDiffusionPipeline.fromPretrained(folder, { dtype: "int3", backend }));
    expect(dtype).toBeInstanceOf(RangeError);
    expect(String(dtype)).toMatch(/dtype: expected .*auto, fp32, .*got "int3"/);
    const browser = await failure(StableDiffusionPipeline.fromPretrained(folder, { device: "wasm" }));
    expect(browser).toMatchObject({
      code: "backend-unavailable",
      message: expect.stringContaining("runs in browsers"),
    });
    const variant = await failure(StableDiffusionPipeline.fromPretrained(folder, { variant: "fp16", backend }));
    expect(variant).toMatchObject({ code: "file-not-found", message: expect.stringContaining("leave variant out") });
  });

  it("stops when it is aborted", async () => {
    const reason = new Error("changed my mind");
    const signal = AbortSignal.abort(reason);
    expect(await failure(StableDiffusionPipeline.fromPretrained(folder, { backend, signal }))).toBe(reason);
  });

  it("needs nothing of the checkpoint for parts that are given", async () => {
    await using good = await StableDiffusionPipeline.fromPretrained(folder, { backend });
    const { unet, tokenizer, scheduler } = good.components;
    await remove("unet")();
    await remove("tokenizer")();
    await remove("scheduler")();
    await changeJson("model_index.json", { unet: ["diffusers", "UNet3DConditionModel"] })();
    const other = await StableDiffusionPipeline.fromPretrained(folder, { backend, unet, tokenizer, scheduler });
    expect(other.components.unet).toBe(unet);
    await other.dispose();
    // the caller's part is the caller's to free
    const run = await good.generate({ prompt: "a", numInferenceSteps: 1, seed: 1, outputType: "latent" });
    expect(run.latents.shape).toEqual([1, 4, 8, 8]);
  });

  it("tells of tensors that no network has a place for", async () => {
    const warnings: Warning[] = [];
    const options = { backend, onWarning: (warning: Warning) => void warnings.push(warning) };
    await changeJson("text_encoder/config.json", { num_hidden_layers: 2 })();
    await using encoder = await CLIPTextEncoder.fromPretrained(folder, { ...options, subfolder: "text_encoder" });
    expect(warnings).toEqual([
      { code: "unused-tensors", message: expect.stringContaining("no place for text_model.encoder.layers.2.") },
    ]);
    expect(encoder.unusedTensors.length).toBeGreaterThan(5);
  });
});
