import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { type Tensor, tensor, tokenIds, torchRandom, zeros } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, describe, expect, it } from "vitest";
import {
  diffusersScript,
  exportedFolder,
  newFolder,
  optimum,
  textEncoderOf,
  tinySd,
  unetOf,
  value,
  webDemo,
  writeExport,
} from "../../../tests/exported-folders.js";
import { type ExportHabit, exportOf } from "../../../tests/exported-model.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { AutoencoderKL } from "./autoencoder-kl.js";
import { CLIPTextEncoder } from "./clip-text-encoder.js";
import type { LoadOptions, Warning } from "./load-options.js";
import { UNet2DConditionModel } from "./unet-2d-condition-model.js";

// Exports are made here, of the networks whose outputs are checked against Diffusers': what an export gives must be
// what the checkpoint gives. float16 ones differ by the rounding of their inputs, outputs and weights.
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const original = `${fixtures}pipelines/tiny-sd`;
const sd = await tinySd();
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true });
  await reference.dispose();
});

const random = torchRandom(1);
const sample = random.normal([3, 4, 8, 16]);
const context = random.normal([3, 77, 32]);
const item = (x: Tensor, i: number) =>
  tensor(x.data.slice((i * x.data.length) / 3, ((i + 1) * x.data.length) / 3), [1, ...x.shape.slice(1)]);

const reference = await UNet2DConditionModel.fromPretrained(`${original}/unet`, { backend });

/** Opens an export that is held in memory. */
async function openUnet(
  habit: ExportHabit,
  options: LoadOptions = {},
  network = sd.unet,
): Promise<UNet2DConditionModel> {
  const { model, data } = await exportOf(network, habit);
  const files = { "unet/model.onnx": model, ...(habit.dataFile !== undefined && { [`unet/${habit.dataFile}`]: data }) };
  return UNet2DConditionModel.fromPretrained(memoryFiles(files, "model"), { backend, subfolder: "unet", ...options });
}

describe("a UNet", () => {
  it.each([
    ["of Optimum", optimum.unet, 1e-5],
    ["of Diffusers' script", diffusersScript.unet, 1e-5],
    ["of a web demo", webDemo.unet, 5e-3],
  ])("%s predicts as the checkpoint does", async (_, habit, tolerance) => {
    await using unet = await openUnet(habit);
    const noise = await unet.predict(sample, 681, context);
    expect(maxDifference(noise, await reference.predict(sample, 681, context))).toBeLessThan(tolerance);
  });

  it("is opened when it runs where memory is low", async () => {
    await using unet = await openUnet(optimum.unet, { memory: "low" });
    const wanted = await reference.predict(sample, 681, context);
    for (let run = 0; run < 2; run++) {
      expect(maxDifference(await unet.predict(sample, 681, context), wanted)).toBeLessThan(1e-5);
      await unet.release();
    }
    await expect(unet.predict(sample, 1, context, { classLabels: [1] })).rejects.toThrow("does not take it");
  });

  it.each([
    ["a number", []],
    ["one for all", [1]],
    ["one for each", ["batch"]],
  ])("takes timesteps of its items, exported with %s", async (_, axes) => {
    await using unet = await openUnet({
      ...optimum.unet,
      inputs: { ...optimum.unet.inputs, timestep: value("timestep", "float32", ...axes) },
    });
    const steps = [1, 500.5, 999];
    const noise = await unet.predict(sample, steps, context);
    expect(maxDifference(noise, await reference.predict(sample, steps, context))).toBeLessThan(1e-5);
  });

  it.each(["int32", "int64"] as const)("rounds timesteps to the nearest %s", async (type) => {
    await using unet = await openUnet({
      ...diffusersScript.unet,
      inputs: { ...diffusersScript.unet.inputs, timestep: value("timestep", type, "steps") },
    });
    const noise = await unet.predict(sample, 680.6, context);
    expect(maxDifference(noise, await reference.predict(sample, 681, context))).toBeLessThan(1e-5);
  });

  const pair: ExportHabit = {
    inputs: {
      sample: value("sample", "float32", 2, 4, 8, 16),
      timestep: value("timestep", "int64", 2),
      encoder_hidden_states: value("encoder_hidden_states", "float32", 2, 77, 32),
    },
    outputs: { out_sample: value("noise_pred", "float32", 2, 4, 8, 16) },
  };

  it("of a fixed batch runs as often as it takes, and fills up", async () => {
    await using unet = await openUnet(pair);
    const wanted = await reference.predict(sample, 681, context);
    expect(maxDifference(await unet.predict(sample, 681, context), wanted)).toBeLessThan(1e-5);
    expect(maxDifference(await unet.predict(item(sample, 0), 681, item(context, 0)), item(wanted, 0))).toBeLessThan(
      1e-5,
    );
  });

  it("of a fixed batch reads views, and leaves its arguments alone", async () => {
    await using unet = await openUnet(pair);
    const view = sample.hi(2, 4, 8, 16).lo(1, 0, 0, 0);
    const before = [...sample.data];
    const noise = await unet.predict(view, 681, item(context, 1));
    expect(maxDifference(noise, await reference.predict(item(sample, 1), 681, item(context, 1)))).toBeLessThan(1e-5);
    expect([...sample.data]).toEqual(before);
  });

  it("names the size that it is fixed to", async () => {
    await using unet = await openUnet(pair);
    await expect(unet.predict(zeros([2, 4, 16, 16]), 1, zeros([2, 77, 32]))).rejects.toThrow(
      new RangeError(
        'unet/model.onnx: its input "sample" is fixed to [2, 4, 8, 16], got [2, 4, 16, 16]; take that size, or export the network with dynamic axes',
      ),
    );
    await expect(unet.predict(zeros([2, 4, 8, 16]), 1, zeros([2, 50, 32]))).rejects.toThrow("fixed to [2, 77, 32]");
  });

  it("takes its settings from the graph, then from config.json, then from Stable Diffusion", async () => {
    await using square = await openUnet({
      ...pair,
      inputs: { ...pair.inputs, sample: value("sample", "float32", 2, 4, 16, 16) },
    });
    expect(square.config).toMatchObject({ inChannels: 4, sampleSize: 16, crossAttentionDim: 32 });
    expect(square.config.textTime).toBeUndefined();
    await using free = await openUnet(diffusersScript.unet);
    expect(free.config).toMatchObject({ inChannels: 4, sampleSize: undefined, crossAttentionDim: 32 });
  });

  it("says when nothing tells how wide its text is", async () => {
    const { inputs } = diffusersScript.unet;
    const habit = {
      ...diffusersScript.unet,
      inputs: { ...inputs, encoder_hidden_states: value("encoder_hidden_states", "float32", "a", "b", "c") },
    };
    await expect(openUnet(habit)).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("put unet/config.json of the original model beside it"),
    });
  });
});

describe("conditions of a UNet", () => {
  const sdxl = goldenTensors("models/unet_sdxl.golden.safetensors");
  const lcm = goldenTensors("models/unet_lcm.golden.safetensors");

  it.each([
    ["float32", 2e-5],
    ["float16", 2e-2],
  ] as const)("SDXL's pooled text and sizes, in %s", async (type, tolerance) => {
    const network = await unetOf("pipelines/tiny-sdxl/unet");
    const config = goldenJson<object>("pipelines/tiny-sdxl/unet/config.json");
    const { model } = await exportOf(network, {
      inputs: {
        sample: value("sample", type, "unet_sample_batch", "c", "h", "w"),
        timestep: value("timestep", type, "unet_time_batch"),
        encoder_hidden_states: value("encoder_hidden_states", type, "b", "s", 56),
        text_embeds: value("text_embeds", type, "unet_text_embeds_batch", 20),
        time_ids: value("time_ids", type, "unet_time_ids_batch", 6),
      },
      outputs: { out_sample: value("out_sample", type, "a", 4, "c", "d") },
    });
    const files = memoryFiles({ "config.json": JSON.stringify(config), "model.onnx": model });
    await using unet = await UNet2DConditionModel.fromPretrained(files, { backend });
    const given = { textEmbeds: golden(sdxl, "in0.text_embeds"), timeIds: golden(sdxl, "in0.time_ids") };
    const [step = 0] = Array.from<number | bigint, number>(sdxl.get("in0.timestep")?.data ?? [], Number);
    const args = [golden(sdxl, "in0.sample"), step, golden(sdxl, "in0.encoder_hidden_states")] as const;
    expect(maxDifference(await unet.predict(...args, given), golden(sdxl, "in0.out"))).toBeLessThan(tolerance);
    await expect(unet.predict(...args)).rejects.toThrow(new TypeError("textEmbeds: this network needs it"));
  });

  it("an LCM's guidance embedding", async () => {
    const network = await unetOf("pipelines/tiny-lcm-unet");
    const width = golden(lcm, "in0.timestep_cond").shape[1] ?? 0;
    await using unet = await openUnet(
      {
        ...optimum.unet,
        inputs: { ...optimum.unet.inputs, timestep_cond: value("timestep_cond", "float32", "batch_size", width) },
      },
      {},
      network,
    );
    expect(unet.config.timeCondProjDim).toBe(width);
    const [step = 0] = Array.from<number | bigint, number>(lcm.get("in0.timestep")?.data ?? [], Number);
    const noise = await unet.predict(golden(lcm, "in0.sample"), step, golden(lcm, "in0.encoder_hidden_states"), {
      timestepCond: golden(lcm, "in0.timestep_cond"),
    });
    expect(maxDifference(noise, golden(lcm, "in0.out"))).toBeLessThan(2e-5);
  });

  it("the upscaler's noise levels", async () => {
    const tensors = goldenTensors("models/unet_upscaler.golden.safetensors");
    await using unet = await openUnet(
      {
        inputs: {
          sample: value("sample", "float32", "b", 7, "h", "w"),
          timestep: value("timestep", "int64", "steps"),
          encoder_hidden_states: value("encoder_hidden_states", "float32", "b", "s", 32),
          class_labels: value("class_labels", "int32", "b"),
        },
        outputs: optimum.unet.outputs,
      },
      {},
      await unetOf("models/unet_upscaler"),
    );
    const numbers = (name: string) => Array.from<number | bigint, number>(tensors.get(name)?.data ?? [], Number);
    const noise = await unet.predict(
      golden(tensors, "in0.sample"),
      numbers("in0.timestep"),
      golden(tensors, "in0.encoder_hidden_states"),
      { classLabels: numbers("in0.class_labels") },
    );
    expect(maxDifference(noise, golden(tensors, "in0.out"))).toBeLessThan(2e-5);
  });
});

describe("a text encoder", () => {
  const ids = tokenIds(
    Int32Array.from({ length: 154 }, (_, i) => (i * 37) % 999),
    [2, 77],
  );
  const states = [0, 1, 2, 3].map((i) => [`hidden_states.${i}`, value(`hidden_states.${i}`, "float32", "b", "s", 32)]);

  async function open(habit: ExportHabit, folder = "pipelines/tiny-sd/text_encoder"): Promise<CLIPTextEncoder> {
    const { model } = await exportOf(await textEncoderOf(folder), habit);
    return CLIPTextEncoder.fromPretrained(memoryFiles({ "model.onnx": model }), { backend });
  }

  it.each([
    ["of Optimum, int64", optimum.textEncoder, 1e-5],
    ["of Diffusers' script, int32", diffusersScript.textEncoder, 1e-5],
    ["of a web demo, one text at a time", webDemo.textEncoder, 5e-3],
  ])("%s encodes as the checkpoint does", async (_, habit, tolerance) => {
    await using checkpoint = await CLIPTextEncoder.fromPretrained(`${original}/text_encoder`, { backend });
    await using encoder = await open(habit);
    expect(maxDifference(await encoder.encode(ids), await checkpoint.encode(ids))).toBeLessThan(tolerance);
    expect(encoder.config).toMatchObject({ hiddenSize: 32, maxPositions: 77 });
  });

  it("of SDXL gives hidden states and the projected text", async () => {
    const folder = "text_encoder/sdxl2_with_projection";
    await using checkpoint = await CLIPTextEncoder.fromPretrained(fixtures + folder, { backend });
    await using encoder = await open(
      {
        inputs: { attention_mask: "ones", input_ids: value("input_ids", "int64", "batch_size", "sequence_length") },
        outputs: { ...Object.fromEntries(states), text_embeds: value("text_embeds", "float32", "b", 24) },
      },
      folder,
    );
    const text = tokenIds(
      ids.data.map((id) => id % 499),
      [2, 77],
    );
    expect(encoder.config).toMatchObject({ layers: 3, hiddenSize: 32, projectionDim: 24 });
    const wanted = await checkpoint.outputs(text);
    const found = await encoder.outputs(text, { layers: [2] });
    expect(maxDifference(found.hiddenStates[0]!, wanted.hiddenStates[2]!)).toBeLessThan(1e-5);
    expect(maxDifference(found.textEmbeds!, wanted.textEmbeds!)).toBeLessThan(1e-5);
    expect(() => found.poolerOutput).toThrow("does not give pooler_output, only text_embeds, hidden_states.0");
    await expect(encoder.encode(text)).rejects.toMatchObject({ code: "unsupported-model" });
  });

  it("without a mask takes one that hides nothing, and refuses any other", async () => {
    await using encoder = await open(optimum.textEncoder);
    const attentionMask = tokenIds(new Int32Array(154).fill(1), [2, 77]);
    expect(await encoder.encode(ids, { attentionMask })).toEqual(await encoder.encode(ids));
    attentionMask.data[9] = 0;
    await expect(encoder.encode(ids, { attentionMask })).rejects.toThrow(
      new TypeError("attention_mask: model.onnx does not take it; it was exported without"),
    );
  });

  it("with a mask gets it in its own type", async () => {
    await using checkpoint = await CLIPTextEncoder.fromPretrained(`${original}/text_encoder`, { backend });
    const { inputs, outputs } = optimum.textEncoder;
    await using encoder = await open({
      inputs: { ...inputs, attention_mask: value("attention_mask", "int64", "batch_size", "sequence_length") },
      outputs,
    });
    const attentionMask = tokenIds(
      Int32Array.from({ length: 154 }, (_, i) => Number(i % 77 < 9)),
      [2, 77],
    );
    const wanted = await checkpoint.encode(ids, { attentionMask });
    expect(maxDifference(await encoder.encode(ids, { attentionMask }), wanted)).toBeLessThan(1e-5);
  });

  it("without layers to leave out says so", async () => {
    await using encoder = await open(optimum.textEncoder);
    await expect(encoder.encode(ids, { clipSkip: 1 })).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("only last_hidden_state, pooler_output; take the original checkpoint for it"),
    });
  });
});

describe("an autoencoder", () => {
  const image = tensor(
    random.uniform([2, 3, 64, 128]).data.map((x) => 2 * x - 1),
    [2, 3, 64, 128],
  );

  it("that gives mean and logvar encodes as the checkpoint does", async () => {
    const folder = await exportedFolder(optimum);
    folders.push(folder);
    await using checkpoint = await AutoencoderKL.fromPretrained(`${original}/vae`, { backend });
    await using vae = await AutoencoderKL.fromPretrained(folder, { backend, subfolder: "vae" });
    const wanted = await checkpoint.posterior(image);
    const found = await vae.posterior(image);
    expect(maxDifference(found.mean, wanted.mean)).toBeLessThan(1e-5);
    expect(maxDifference(found.logvar, wanted.logvar)).toBeLessThan(1e-5);
    const drawn = await vae.encode(image, torchRandom(3));
    expect(maxDifference(drawn, await checkpoint.encode(image, torchRandom(3)))).toBeLessThan(1e-5);
    expect(maxDifference(await vae.decode(drawn), await checkpoint.decode(drawn))).toBeLessThan(1e-5);
    expect(vae).toMatchObject({ latentChannels: 4, scaleFactor: 8 });
  });

  it("that draws its latents gives them, says so, and has no mode", async () => {
    const folder = await exportedFolder(diffusersScript);
    folders.push(folder);
    const warnings: Warning[] = [];
    const onWarning = (warning: Warning) => warnings.push(warning);
    await using checkpoint = await AutoencoderKL.fromPretrained(`${original}/vae`, { backend });
    await using vae = await AutoencoderKL.fromPretrained(folder, { backend, onWarning });
    expect(warnings).toEqual([
      { code: "unseeded-encoder", message: expect.stringContaining("vae_encoder/model.onnx") },
    ]);
    const { mean, logvar } = await checkpoint.posterior(image);
    const source = torchRandom(3);
    const before = JSON.stringify(source.save());
    const latents = await vae.encode(image, source);
    expect(JSON.stringify(source.save())).toBe(before);
    // normal numbers again, when what the posterior did to them is undone
    const noise = latents.data.map((value, i) => (value / 0.18215 - mean.data[i]!) / Math.exp(logvar.data[i]! / 2));
    const average = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + (value - average) ** 2, 0) / noise.length;
    expect(Math.abs(average)).toBeLessThan(0.2);
    expect(Math.abs(variance - 1)).toBeLessThan(0.2);
    await expect(vae.encode(image)).rejects.toMatchObject({ code: "unsupported-model" });
    await expect(vae.posterior(image)).rejects.toMatchObject({ code: "unsupported-model" });
  });

  it("without an encoder decodes, and says why it cannot encode", async () => {
    const folder = await exportedFolder(webDemo);
    folders.push(folder);
    for (const vae of [
      await AutoencoderKL.fromPretrained(folder, { backend }),
      await AutoencoderKL.fromPretrained(`${folder}/vae_decoder`, { backend }),
    ]) {
      expect((await vae.decode(zeros([2, 4, 8, 16]))).shape).toEqual([2, 3, 64, 128]);
      await expect(vae.encode(image)).rejects.toMatchObject({
        code: "unsupported-model",
        message: expect.stringContaining("has no vae_encoder"),
      });
      await vae.dispose();
    }
  });

  it.each([
    ["of Stable Diffusion", {}, 0.18215],
    ["of SDXL", { "model_index.json": '{"text_encoder_2": ["optimum", "ORTTextEncoder"]}' }, 0.13025],
    ["of SDXL's layout", { "unet/model.onnx": "", "text_encoder_2/model.onnx": "" }, 0.13025],
    ["that vae_decoder/config.json gives", { "vae_decoder/config.json": '{"scaling_factor": 0.5}' }, 0.5],
    ["that vae/config.json gives", { "vae/config.json": '{"scaling_factor": 0.25}' }, 0.25],
  ])("takes the factor %s", async (_, files, factor) => {
    const { model } = await exportOf(sd.vaeDecoder, optimum.vaeDecoder);
    const source = memoryFiles({ "vae_decoder/model.onnx": model, ...files });
    await using vae = await AutoencoderKL.fromPretrained(source, { backend, subfolder: "vae" });
    expect(vae.config).toMatchObject({ scalingFactor: factor, latentChannels: 4 });
    expect(vae.scaleFactor).toBe(8);
  });
});

describe("an export's file", () => {
  async function folderWith(...files: readonly string[]): Promise<string> {
    const folder = newFolder();
    folders.push(folder);
    for (const file of files) await writeExport(folder, "text_encoder", sd.textEncoder, optimum.textEncoder, file);
    return folder;
  }

  it.each([
    [["model.onnx", "model_fp16.onnx"], {}, undefined],
    [["model_fp16.onnx"], {}, undefined],
    [["model.onnx", "model_quantized.onnx"], { variant: "quantized" }, undefined],
    [["model_layernorm.onnx"], { variant: "layernorm" }, undefined],
    [
      ["model.onnx"],
      { variant: "fp16" },
      'text_encoder/model.onnx is taken: there is no export for variant "fp16" beside it',
    ],
  ] as [string[], LoadOptions, string | undefined][])("of %j is found with %j", async (files, options, warning) => {
    const warnings: Warning[] = [];
    await using encoder = await CLIPTextEncoder.fromPretrained(await folderWith(...files), {
      ...options,
      backend,
      subfolder: "text_encoder",
      onWarning: (found) => warnings.push(found),
    });
    expect(encoder.config.hiddenSize).toBe(32);
    expect(warnings.map(({ message }) => message)).toEqual(warning === undefined ? [] : [warning]);
  });

  it("of another precision must be asked for", async () => {
    const folder = await folderWith("model_quantized.onnx", "model_q4f16.onnx");
    await expect(CLIPTextEncoder.fromPretrained(`${folder}/text_encoder`, { backend })).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining(
        'model.onnx not found; pass variant: "quantized" for model_quantized.onnx, variant: "q4f16" for model_q4f16.onnx',
      ),
    });
  });

  it("of half precision is no float32", async () => {
    const folder = await folderWith("model_fp16.onnx");
    const options = { backend, dtype: "fp32" } as const;
    await expect(CLIPTextEncoder.fromPretrained(`${folder}/text_encoder`, options)).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining('variant: "fp16" for model_fp16.onnx'),
    });
  });

  it("gives way to a checkpoint", async () => {
    const folder = await folderWith("model.onnx");
    cpSync(`${fixtures}text_encoder/explicit_eos`, `${folder}/text_encoder`, { recursive: true });
    await using encoder = await CLIPTextEncoder.fromPretrained(folder, { backend, subfolder: "text_encoder" });
    await using checkpoint = await CLIPTextEncoder.fromPretrained(`${fixtures}text_encoder/explicit_eos`, { backend });
    expect(encoder.config).toEqual(checkpoint.config);
  });

  it("is opened through links, as the Hub's cache has them", async () => {
    const folder = newFolder();
    folders.push(folder);
    await writeExport(folder, "unet", sd.unet, optimum.unet);
    mkdirSync(`${folder}/blobs`);
    for (const [name, blob] of [
      ["model.onnx", "4f1c"],
      ["model.onnx_data", "9a2b"],
    ]) {
      renameSync(`${folder}/unet/${name}`, `${folder}/blobs/${blob}`);
      symlinkSync(`../blobs/${blob}`, `${folder}/unet/${name}`);
    }
    await using unet = await UNet2DConditionModel.fromPretrained(`${folder}/unet`, { backend });
    const noise = await unet.predict(sample, 681, context);
    expect(maxDifference(noise, await reference.predict(sample, 681, context))).toBeLessThan(1e-5);
  });

  const { inputs, outputs } = optimum.unet;
  const habit: ExportHabit = { inputs, outputs };

  it.each([
    [
      "an input that is not understood",
      { ...habit, inputs: { ...inputs, sample: value("x_t", "float32", "b", 4, "h", "w") } },
      'unet/model.onnx: unexpected input "x_t"; of a UNet these are understood: inputs sample or latent_model_input, timestep or timesteps or t,',
    ],
    [
      "an input of another rank",
      {
        ...habit,
        inputs: { ...inputs, encoder_hidden_states: value("encoder_hidden_states", "float32", "b", 77, 1, 32) },
      },
      'its input "encoder_hidden_states" has shape [b,77,1,32], expected [batch, length, width]',
    ],
    [
      "an input of another type",
      { ...habit, inputs: { ...inputs, sample: value("sample", "int64", "b", 4, "h", "w") } },
      'its input "sample" is int64; supported: float32, float16',
    ],
    [
      "an output of another rank",
      { ...habit, outputs: { out_sample: value("out_sample", "float32", "b", 4, "pixels") } },
      'its output "out_sample" has shape [b,4,pixels], expected [batch, channels, height, width]',
    ],
    [
      "no output that is known",
      { ...habit, outputs: { out_sample: value("y", "float32", "b", 4, "h", "w") } },
      "none of its outputs is known, it has y; of a UNet these are understood",
    ],
    [
      "batches that differ",
      {
        ...habit,
        inputs: {
          ...inputs,
          sample: value("sample", "float32", 2, 4, "h", "w"),
          encoder_hidden_states: value("encoder_hidden_states", "float32", 1, 77, 32),
        },
      },
      "its inputs are fixed to different batches, 2 and 1",
    ],
  ] as [string, ExportHabit, string][])("with %s is refused", async (_, wrong, message) => {
    const error = await openUnet(wrong).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "LatentKitError", code: "unsupported-model" });
    expect(String(error)).toContain(message);
  });

  it("of another network is refused by the input that it lacks", async () => {
    const { model } = await exportOf(sd.vaeDecoder, {
      inputs: { latent_sample: value("sample", "float32", "b", 4, "h", "w") },
      outputs: optimum.vaeDecoder.outputs,
    });
    const files = memoryFiles({ "unet/model.onnx": model });
    await expect(UNet2DConditionModel.fromPretrained(files, { backend, subfolder: "unet" })).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining('unet/model.onnx: it has no input "timestep"'),
    });
  });
});
