import { describe, expect, it } from "vitest";
import { neededFiles } from "./needed-files.js";

/** The file listing of stabilityai/stable-diffusion-xl-base-1.0, shortened to one file of each kind. */
const sdxl = [
  "README.md",
  "01.png",
  "model_index.json",
  "scheduler/scheduler_config.json",
  "sd_xl_base_1.0.safetensors",
  "sd_xl_base_1.0_0.9vae.safetensors",
  "sd_xl_offset_example-lora_1.0.safetensors",
  ...["text_encoder", "text_encoder_2"].flatMap((folder) => [
    `${folder}/config.json`,
    `${folder}/flax_model.msgpack`,
    `${folder}/model.fp16.safetensors`,
    `${folder}/model.onnx`,
    `${folder}/model.onnx_data`,
    `${folder}/model.safetensors`,
    `${folder}/openvino_model.bin`,
    `${folder}/openvino_model.xml`,
  ]),
  ...["tokenizer", "tokenizer_2"].flatMap((folder) => [
    `${folder}/merges.txt`,
    `${folder}/special_tokens_map.json`,
    `${folder}/tokenizer_config.json`,
    `${folder}/vocab.json`,
  ]),
  "unet/config.json",
  "unet/diffusion_flax_model.msgpack",
  "unet/diffusion_pytorch_model.fp16.safetensors",
  "unet/diffusion_pytorch_model.safetensors",
  "unet/model.onnx",
  "unet/model.onnx_data",
  "unet/openvino_model.bin",
  "vae/config.json",
  "vae/diffusion_flax_model.msgpack",
  "vae/diffusion_pytorch_model.fp16.safetensors",
  "vae/diffusion_pytorch_model.safetensors",
  "vae_1_0/config.json",
  "vae_1_0/diffusion_pytorch_model.fp16.safetensors",
  "vae_1_0/diffusion_pytorch_model.safetensors",
  "vae_decoder/config.json",
  "vae_decoder/model.onnx",
  "vae_decoder/openvino_model.xml",
  "vae_encoder/config.json",
  "vae_encoder/model.onnx",
];
const parts = ["scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "unet", "vae"];

const weightsOf = (files: readonly string[]) =>
  files.filter((path) => /\.(safetensors|onnx|onnx_data|pb|bin)$/.test(path));

describe("a Diffusers repository", () => {
  it("gives each component's configuration and one set of weights", () => {
    const files = neededFiles(sdxl, { components: parts });
    expect([...files].sort()).toEqual(
      sdxl
        .filter((path) => path === "model_index.json" || parts.includes(path.split("/")[0] ?? ""))
        .filter((path) => /\.(json|txt)$/.test(path) || /(?<!fp16)\.safetensors$/.test(path))
        .filter((path) => path.includes("/") || path === "model_index.json")
        .sort(),
    );
  });

  it("gives the variant", () => {
    const files = neededFiles(sdxl, { components: parts, variant: "fp16" });
    expect(weightsOf(files)).toEqual([
      "text_encoder/model.fp16.safetensors",
      "text_encoder_2/model.fp16.safetensors",
      "unet/diffusion_pytorch_model.fp16.safetensors",
      "vae/diffusion_pytorch_model.fp16.safetensors",
    ]);
    expect(() => neededFiles(sdxl, { components: parts, variant: "bf16" })).toThrow(
      'the model has no weights of variant "bf16"; there are: fp16, none',
    );
  });

  it("gives configurations and vocabularies alone, for a single file to borrow", () => {
    const files = neededFiles(sdxl, { components: parts, settingsOnly: true });
    expect(weightsOf(files)).toEqual([]);
    expect(files).toContain("unet/config.json");
    expect(files).toContain("tokenizer_2/merges.txt");
  });

  it("gives the plain weights of a component that has no such variant", () => {
    const paths = sdxl.filter((path) => path !== "vae/diffusion_pytorch_model.fp16.safetensors");
    const weights = weightsOf(neededFiles(paths, { components: parts, variant: "fp16" }));
    expect(weights).toContain("vae/diffusion_pytorch_model.safetensors");
    expect(weights).toContain("unet/diffusion_pytorch_model.fp16.safetensors");
  });

  it("gives one folder, or all but some", () => {
    expect(neededFiles(sdxl, { components: parts, subfolder: "vae_1_0" })).toEqual([
      "vae_1_0/config.json",
      "vae_1_0/diffusion_pytorch_model.safetensors",
    ]);
    const rest = neededFiles(sdxl, { components: parts, without: ["unet", "vae"] });
    expect(rest.some((path) => /^(unet|vae)\//.test(path))).toBe(false);
    expect(rest).toContain("text_encoder/model.safetensors");
    expect(() => neededFiles(sdxl, { subfolder: "prior", place: "acme/x" })).toThrow("acme/x has no files in prior");
  });

  it("does without its safety checker, and with no class for the feature extractor's folder", () => {
    const paths = [
      "model_index.json",
      "vae/config.json",
      "vae/diffusion_pytorch_model.safetensors",
      "safety_checker/model.safetensors",
    ];
    expect(neededFiles(paths, { components: ["vae", "safety_checker", "feature_extractor"] })).toEqual(
      paths.slice(0, 3),
    );
  });

  it("finds components by itself when nobody tells them", () => {
    const files = neededFiles([
      "README.md",
      "unet/config.json",
      "unet/diffusion_pytorch_model.safetensors",
      "docs/a.json",
    ]);
    expect(files).toEqual(["unet/config.json", "unet/diffusion_pytorch_model.safetensors"]);
  });
});

describe("one set of weights", () => {
  const stem = "unet/diffusion_pytorch_model";
  const of = (names: readonly string[], variant?: string) =>
    weightsOf(neededFiles(["unet/config.json", ...names.map((name) => `unet/${name}`)], { variant })).map((path) =>
      path.slice("unet/".length),
    );
  const shards = ["a-00001-of-00002", "a-00002-of-00002"].map((name) => name.replace("a", "diffusion_pytorch_model"));

  it.each([
    [
      ["diffusion_pytorch_model.bin", "diffusion_pytorch_model.safetensors"],
      undefined,
      ["diffusion_pytorch_model.safetensors"],
    ],
    [["model.fp16.safetensors"], undefined, ["model.fp16.safetensors"]],
    [["model.fp16.safetensors", "model.non_ema.safetensors"], "non_ema", ["model.non_ema.safetensors"]],
    [["model.safetensors", "model.onnx"], undefined, ["model.safetensors"]],
    [["model.onnx", "weights.pb"], undefined, ["model.onnx", "weights.pb"]],
    [
      ["model.onnx", "model.onnx_data", "model_fp16.onnx", "model_fp16.onnx_data"],
      undefined,
      ["model.onnx", "model.onnx_data"],
    ],
    [
      ["model.onnx", "model.onnx_data", "model_fp16.onnx", "model_fp16.onnx_data"],
      "fp16",
      ["model_fp16.onnx", "model_fp16.onnx_data"],
    ],
    [
      ["model.safetensors", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"],
      undefined,
      ["model.safetensors"],
    ],
  ])("of %j (%s) is %j", (names, variant, expected) => expect(of(names, variant)).toEqual(expected));

  it("is all shards with their index, in either spelling of a variant", () => {
    const plain = [...shards.map((name) => `unet/${name}.safetensors`), `${stem}.safetensors.index.json`];
    const late = [...shards.map((name) => `unet/${name}.fp16.safetensors`), `${stem}.safetensors.index.fp16.json`];
    const early = ["model.fp16-00001-of-00002", "model.fp16-00002-of-00002"].map((name) => `unet/${name}.safetensors`);
    const all = ["unet/config.json", ...plain, ...late];
    expect(neededFiles(all)).toEqual(["unet/config.json", ...plain]);
    expect(neededFiles(all, { variant: "fp16" })).toEqual(["unet/config.json", ...late]);
    const transformers = [...early, "unet/model.fp16.safetensors.index.json"];
    expect(neededFiles(["unet/config.json", ...transformers], { variant: "fp16" })).toEqual([
      "unet/config.json",
      ...transformers,
    ]);
  });

  it("is complete, or refused", () => {
    const paths = ["unet/config.json", `unet/${shards[0]}.safetensors`, `${stem}.safetensors.index.json`];
    expect(() => neededFiles(paths)).toThrow("the model: unet: shard 2 of 2 is missing");
    expect(() => neededFiles(["model_index.json", "unet/config.json"], { components: ["unet"] })).toThrow(
      "unet has no weights",
    );
    expect(() => neededFiles(["model_index.json"], { components: ["unet"] })).toThrow("has no files in unet");
  });

  it("is never a pickle", () => {
    expect(() => neededFiles(["unet/config.json", `${stem}.bin`])).toThrow(
      /found only .*\.bin \(a pickle can run code/,
    );
    expect(() => neededFiles(["unet/config.json", "unet/model.msgpack"])).toThrow(/not readable here.*\.safetensors/);
    expect(() => neededFiles(["unet/config.json", "unet/model.ema.safetensors"])).toThrow(
      "only weights of the variants ema",
    );
  });
});

describe("other repositories", () => {
  it("of one network are taken as it", () => {
    const paths = [
      "README.md",
      "config.json",
      "diffusion_pytorch_model.safetensors",
      "diffusion_pytorch_model.bin",
      "sdxl_vae.safetensors",
    ];
    expect(neededFiles(paths)).toEqual(["config.json", "diffusion_pytorch_model.safetensors"]);
  });

  it("of ONNX exports give the halves of the autoencoder", () => {
    const graphs = ["text_encoder", "unet", "vae_decoder", "vae_encoder"].map((folder) => `${folder}/model.onnx`);
    const paths = ["model_index.json", ...graphs, "unet/weights.pb", "safety_checker/model.onnx"];
    const expected = [...graphs, "model_index.json", "unet/weights.pb"].sort();
    for (const components of [
      undefined,
      ["text_encoder", "unet", "vae"],
      ["text_encoder", "unet", "vae_decoder", "vae_encoder"],
    ]) {
      expect([...neededFiles(paths, { components })].sort()).toEqual(expected);
    }
  });

  it("of one checkpoint are that file, and of several none", () => {
    expect(neededFiles(["README.md", "dream.safetensors", "dream.ckpt", "preview/a.safetensors"])).toEqual([
      "dream.safetensors",
    ]);
    const several = () => neededFiles(["a.safetensors", "b.safetensors"], { place: "https://hub/acme/x" });
    expect(several).toThrow(
      "holds several models, a.safetensors, b.safetensors; name one: https://hub/acme/x/blob/main/a.safetensors",
    );
    expect(() => neededFiles(["dream.ckpt"])).toThrow(/a pickle can run code.*\.safetensors/);
    expect(() => neededFiles(["README.md"])).toThrow("holds no model");
  });
});
