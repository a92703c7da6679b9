import { LatentKitError, type ModelFile, readJson } from "@latentkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../../tests/fixture-files.js";
import { goldenJson } from "../../../../tests/golden.js";
import { headerOnlyFile } from "../../../../tests/header-only-file.js";
import { memoryFile, memoryFiles } from "../../../../tests/memory-files.js";
import {
  controlNetShapes,
  publishedFiles,
  publishedUNets,
  type Shapes,
  unetShapes,
  vaeShapes,
} from "../../../../tests/original-layout.js";
import { autoencoderKL, autoencoderKLConfig } from "../autoencoder-kl.js";
import { type Checkpoint, openCheckpoint } from "../checkpoint.js";
import { clipTextConfig, clipTextModel } from "../clip-text-model.js";
import { readTensor } from "../read-tensor.js";
import { readSafetensorsHeader } from "../safetensors.js";
import { unet2dCondition } from "../unet-2d-condition.js";
import { unet2dConditionConfig } from "../unet-2d-condition-config.js";
import type { PartConfigs } from "./given-configs.js";
import type { ModelPart } from "./part-layouts.js";
import { singleFileModel } from "./single-file-model.js";

interface KeyMap {
  readonly prefix: string;
  readonly same: Readonly<Record<string, string>>;
  readonly changed: Readonly<Record<string, { readonly keys: readonly string[]; readonly transform: string }>>;
}

// small checkpoints in the layouts of the authors, and Diffusers' names for their tensors; see fixtures/README.md
const files = fixtureFiles("single_file");
const names = ["sd1", "sd2", "sdxl", "controlnet"];
const parts = names.flatMap((name) =>
  Object.entries(goldenJson<{ parts: Record<ModelPart, KeyMap> }>(`single_file/${name}.keymap.json`).parts).map(
    ([part, map]) => ({ name, part, map }),
  ),
);

async function fixture(name: string): Promise<ModelFile> {
  const file = await files.find(`${name}.safetensors`);
  if (!file) throw new Error(`no ${name}`);
  return file;
}

const tensorOf = ({ tensors }: Pick<Checkpoint, "tensors">, name: string) => {
  const tensor = tensors.get(name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  return tensor;
};

describe.each(parts)("$part of $name", ({ name, part, map: { prefix, same, changed } }) => {
  it("has Diffusers' names, and the same bytes under them", async () => {
    const file = await fixture(name);
    const header = await readSafetensorsHeader(file);
    const checkpoint = await openCheckpoint((await singleFileModel(file)).at(part), "any");
    const expected = [...Object.values(same), ...Object.values(changed).flatMap(({ keys }) => keys)];
    expect([...checkpoint.tensors.keys()].sort()).toEqual(expected.sort());
    for (const [original, renamed] of Object.entries(same)) {
      const { name: _, ...tensor } = tensorOf(checkpoint, renamed);
      expect(tensor).toEqual({ ...tensorOf(header, prefix + original), name: undefined });
    }
    for (const [original, { keys, transform }] of Object.entries(changed)) {
      const whole = await readTensor(tensorOf(header, prefix + original));
      const read = await Promise.all(keys.map((key) => readTensor(tensorOf(checkpoint, key))));
      expect(joined(read, tensorOf(header, prefix + original).shape, transform)).toEqual([...whole]);
    }
  });
});

/** The original tensor's values again, as the reference says it is made. */
function joined(tensors: readonly Float32Array[], [rows = 0, columns = 0]: readonly number[], how: string): number[] {
  const values = tensors.flatMap((tensor) => [...tensor]);
  if (how !== "transpose") return values;
  return values.map((_, i) => values[(i % columns) * rows + Math.floor(i / columns)]!);
}

/** Some settings of a configuration, those that it has. */
function pick(config: Readonly<Record<string, unknown>> = {}, ...keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap((key) => (config[key] == null ? [] : [[key, config[key]]])));
}

describe("configurations", () => {
  // sizes are read off the shapes; those that shapes do not tell are those of the published models
  it.each(["sd1", "sd2", "sdxl"])("of %s are the reference's, as far as shapes tell", async (name) => {
    const reference = goldenJson<Required<PartConfigs>>(`single_file/${name}.configs.json`);
    const { unet, text_encoder, text_encoder_2 } = reference;
    const model = await singleFileModel(await fixture(name), {
      config: {
        unet: pick(unet, "attention_head_dim", "addition_time_embed_dim", "norm_num_groups", "sample_size"),
        vae: { norm_num_groups: 4 },
        text_encoder: pick(text_encoder, "num_attention_heads"),
        text_encoder_2: pick(text_encoder_2, "num_attention_heads"),
      },
    });
    for (const part of model.parts) {
      const found = await readJson((await model.find(`${part}/config.json`))!);
      const { _class_name, bos_token_id, ...settings } = found;
      expect(reference[part]).toMatchObject(settings);
    }
  });

  it("are asked for where sizes are nobody's", async () => {
    const model = await singleFileModel(await fixture("sdxl"));
    await expect(model.find("unet/config.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message:
        "sdxl.safetensors/unet: its sizes are those of no published model and do not tell attention_head_dim, norm_num_groups, addition_time_embed_dim; pass config: { unet: { attention_head_dim: …, norm_num_groups: …, addition_time_embed_dim: … } }",
    });
    await expect(model.at("tokenizer").find("vocab.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining("its text encoder knows 1000 tokens"),
    });
  });

  it("are taken from a folder, with its tokenizer", async () => {
    const folder = memoryFiles({
      "unet/config.json": '{ "sample_size": 8, "attention_head_dim": 2, "norm_num_groups": 4 }',
      "scheduler/scheduler_config.json": '{ "_class_name": "DDIMScheduler", "prediction_type": "epsilon" }',
      "tokenizer/vocab.json": '{ "a": 0 }',
    });
    const model = await singleFileModel(await fixture("sd2"), { config: folder });
    const json = async (path: string) => readJson((await model.find(path))!);
    expect(model.assumptions).toEqual(new Map());
    expect(await json("unet/config.json")).toMatchObject({ attention_head_dim: 2, cross_attention_dim: 24 });
    expect(await json("scheduler/scheduler_config.json")).toMatchObject({ _class_name: "DDIMScheduler" });
    expect(await json("model_index.json")).toMatchObject({ scheduler: ["diffusers", "DDIMScheduler"] });
    expect(await json("tokenizer/vocab.json")).toEqual({ a: 0 });
  });

  it("of one network are taken from its own repository, by its class", async () => {
    const repository = memoryFiles({ "config.json": '{ "_class_name": "AutoencoderKL", "norm_num_groups": 2 }' });
    const model = await singleFileModel(await fixture("sd1"), { config: repository });
    expect(await readJson((await model.find("vae/config.json"))!)).toMatchObject({ norm_num_groups: 2 });
    await expect(model.find("unet/config.json")).rejects.toThrow("norm_num_groups");
    const text = memoryFiles({ "config.json": '{ "architectures": ["CLIPTextModel"], "num_attention_heads": 2 }' });
    const { find } = await singleFileModel(await fixture("sd1"), { config: text });
    expect(await readJson((await find("text_encoder/config.json"))!)).toMatchObject({ num_attention_heads: 2 });
  });

  it.each([
    [
      { unett: {} },
      "config: expected the keys unet, vae, controlnet, text_encoder, text_encoder_2, scheduler, got unett",
    ],
    [{ vae: 7 }, "config.vae: expected an object, got 7"],
  ])("refuses %j", async (config, message) => {
    // @ts-expect-error: what JavaScript callers may pass
    const opening = singleFileModel(await fixture("sd1"), { config });
    await expect(opening).rejects.toThrow(new TypeError(message));
  });
});

describe("what lies beside the networks", () => {
  it("is left out when it is known, and told when it is not", async () => {
    const idle = { "cond_stage_model.logit_scale": [], "cond_stage_model.text_projection": [768, 768] };
    const shapes = { ...publishedFiles.sd1, ...idle, "something.else": [3], "model.diffusion_model.extra.weight": [3] };
    const model = await singleFileModel(headerOnlyFile(shapes));
    expect(model.strayTensors).toEqual(["something.else"]);
    const { tensors } = await openCheckpoint(model.at("unet"), "any");
    expect(tensors.has("model.diffusion_model.extra.weight")).toBe(true);
  });

  it("is left out where training kept a moving average", async () => {
    const average = Object.keys(unetShapes(publishedUNets.sd1, "")).map((name): [string, number[]] => [
      `model_ema.diffusion_model${name.replaceAll(".", "")}`,
      [1],
    ]);
    const model = await singleFileModel(headerOnlyFile({ ...publishedFiles.sd1, ...Object.fromEntries(average) }));
    expect([model.parts, model.strayTensors]).toEqual([["unet", "vae", "text_encoder"], []]);
  });
});

describe("what is no Stable Diffusion", () => {
  it.each([
    ["lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight", "is a LoRA"],
    ["unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", "is a LoRA"],
    ["down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight", "is a LoRA"],
    ["emb_params", "is a textual inversion embedding"],
    ["<cat-toy>", "is a textual inversion embedding"],
    ["unet.conv_in.weight", "is a whole model under Diffusers' names; open it as a folder"],
    ["vae.encoder.down_blocks.0.resnets.0.norm1.weight", "is a whole model under Diffusers' names"],
    ["model.diffusion_model.double_blocks.0.img_attn.qkv.weight", "is Flux"],
    ["double_blocks.0.img_attn.qkv.weight", "is Flux"],
    ["model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "is Stable Diffusion 3"],
    ["transformer_blocks.0.norm1.linear.weight", "is a diffusion transformer"],
    ["edm_vpred.sigma_max", "is of the EDM family"],
    ["decoder.layers.1.weight", "is a tiny autoencoder"],
    ["body.0.in_conv.weight", "is a T2I-Adapter"],
    ["ip_adapter.1.to_k_ip.weight", "is an IP-Adapter"],
    ["model_ema.diffusion_modelinput_blocks00weight", "is the moving average of a training alone"],
    ["layer.0.weight", "holds no model that is known (its tensors: layer.0.weight)"],
  ])("%s: %s", async (tensor, message) => {
    const opening = singleFileModel(headerOnlyFile({ [tensor]: [4, 4] }, { name: "x.safetensors" }));
    await expect(opening).rejects.toMatchObject({
      code: "unsupported-model",
      message: expect.stringContaining(`x.safetensors ${message}`),
    });
  });

  it("is refused also where a VAE lies beside it", async () => {
    const flux = { "model.diffusion_model.double_blocks.0.img_attn.qkv.weight": [4, 4], ...vaeShapes("vae.") };
    await expect(singleFileModel(headerOnlyFile(flux))).rejects.toThrow("model.safetensors is Flux");
  });

  it.each([0, 7, 100, 1e5])("a file that ends after %d bytes is broken", async (length) => {
    const bytes = await (await fixture("sd1")).read(0, length);
    const opening = singleFileModel(memoryFile("cut.safetensors", bytes));
    await expect(opening).rejects.toMatchObject({ code: "invalid-checkpoint" });
  });

  it("a VAE is no pipeline, and no UNet", async () => {
    const model = await singleFileModel(await fixture("vae_only"));
    await expect(model.find("model_index.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message: "vae_only.safetensors is no whole model, it holds only vae; open it with AutoencoderKL.fromPretrained",
    });
    await expect(model.at("unet").find("config.json")).rejects.toMatchObject({
      code: "unsupported-model",
      message: "vae_only.safetensors holds no unet, only vae; take it from another file",
    });
    expect(await model.find("unet/config.json")).toBeUndefined();
    expect(await model.at("safety_checker").find("config.json")).toBeUndefined();
  });
});

describe("any set of tensors", () => {
  const all: Shapes = {
    ...publishedFiles.sdxl,
    ...publishedFiles.upscaler,
    ...controlNetShapes(publishedUNets.sd1),
    ...vaeShapes(""),
    ...unetShapes(publishedUNets.sd1, ""),
  };
  const keys = Object.keys(all);
  // tensors that show what a file is, so that detection goes further than the first look
  const telling = keys.filter((key) =>
    /conv_in\.weight$|input_blocks\.0\.0|token_embedding|input_hint_block\.0|block_1\.norm1/.test(key),
  );
  const shape = fc.oneof(
    { weight: 30, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.array(fc.nat(64), { maxLength: 5 }) },
  );
  const subset = fc
    .tuple(
      fc.subarray(telling),
      fc.array(fc.constantFrom(...keys), { maxLength: 400 }),
      fc.array(shape, { maxLength: 400 }),
    )
    .map(([first, others, shapes]): Shapes => {
      const chosen = [...new Set([...first, ...others])];
      return Object.fromEntries(chosen.map((key, i) => [key, shapes[i] ?? all[key]!]));
    });

  it("opens, or is refused with a reason", async () => {
    await fc.assert(
      fc.asyncProperty(subset, async (shapes) => {
        const error = await lookAtAll(shapes).catch((reason: unknown) => reason);
        if (error !== undefined) expect(error).toBeInstanceOf(LatentKitError);
      }),
      { numRuns: 400 },
    );
  });
});

describe("a whole model with some tensors lost or of another shape", () => {
  const whole = fc.constantFrom(...Object.values<Shapes>(publishedFiles));
  const changes = fc.array(fc.tuple(fc.nat(), fc.option(fc.array(fc.nat(64), { maxLength: 5 }))), { maxLength: 8 });

  it("opens, or is refused with a reason", async () => {
    await fc.assert(
      fc.asyncProperty(whole, changes, async (shapes, list) => {
        const names = Object.keys(shapes);
        const changed = new Map(list.map(([i, shape]) => [names[i % names.length], shape]));
        const kept = Object.entries(shapes).flatMap(([name, shape]): [string, readonly number[]][] => {
          const other = changed.has(name) ? changed.get(name) : shape;
          return other ? [[name, other]] : [];
        });
        const error = await lookAtAll(Object.fromEntries(kept)).catch((reason: unknown) => reason);
        if (error !== undefined) expect(error).toBeInstanceOf(LatentKitError);
      }),
      { numRuns: 30 },
    );
  });
});

async function lookAtAll(shapes: Shapes): Promise<void> {
  const model = await singleFileModel(headerOnlyFile(shapes));
  for (const part of model.parts) {
    const config = await readJson((await model.find(`${part}/config.json`))!);
    const checkpoint = await openCheckpoint(model.at(part), "any");
    if (part === "unet") unet2dCondition(checkpoint, unet2dConditionConfig(config));
    if (part === "vae") autoencoderKL(checkpoint, autoencoderKLConfig(config));
    if (part.startsWith("text")) clipTextModel(checkpoint, clipTextConfig(config));
  }
  await model.find("model_index.json");
}
