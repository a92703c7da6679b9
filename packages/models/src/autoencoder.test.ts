import { type Tensor, torchRandom, zeros } from "@latentkit/core";
import { autoencoderKL, autoencoderKLConfig, openCheckpoint, unfused } from "@latentkit/onnx";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { AutoencoderKL } from "./autoencoder-kl.js";
import { AutoencoderTiny } from "./autoencoder-tiny.js";
import { AutoencoderSessions, affine, type LatentCodec } from "./latent-codec.js";

interface Case {
  readonly name: string;
  readonly kind: string;
  readonly folder: string;
  readonly golden: string;
  readonly scaling_factor: number;
  readonly shift_factor?: number | null;
  readonly seeds?: Readonly<Record<string, number>>;
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from random weights; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly Case[] }>("models/cases.json");
const ofKind = (kind: string) => cases.filter((entry) => entry.kind === kind);
// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });

type Reference = ReturnType<typeof goldenTensors>;

/** `enc0`, `enc1`, … as far as there are any. */
function runs(tensors: Reference, prefix: "enc" | "dec"): string[] {
  return [...new Set([...tensors.keys()].map((name) => name.split(".")[0]!))].filter((name) => name.startsWith(prefix));
}

/** The reference's latents are the autoencoder's own; the runner's are the pipelines'. */
function units({ scaling_factor: scaling, shift_factor: shift }: Case) {
  const offset = shift ?? 0;
  return {
    toPipeline: (z: Tensor) => affine(z, scaling, -offset * scaling),
    toOwn: (latents: Tensor) => affine(latents, 1 / scaling, offset),
  };
}

async function checkDecoding(vae: LatentCodec, run: Case, tensors: Reference): Promise<void> {
  for (const name of runs(tensors, "dec")) {
    const image = await vae.decode(units(run).toPipeline(golden(tensors, `${name}.latent`)));
    expect(maxDifference(image, golden(tensors, `${name}.image`)), name).toBeLessThan(4e-5);
  }
}

describe("AutoencoderKL as Diffusers has it", () => {
  it.each(ofKind("AutoencoderKL"))("$name decodes", async (run) => {
    await using vae = await AutoencoderKL.fromPretrained(`${fixtures}models/${run.folder}`, { backend });
    await checkDecoding(vae, run, goldenTensors(`models/${run.golden}`));
    expect(vae.unusedTensors).toEqual([]);
  });

  it.each(ofKind("AutoencoderKL"))("$name encodes", async (run) => {
    const tensors = goldenTensors(`models/${run.golden}`);
    await using vae = await AutoencoderKL.fromPretrained(`${fixtures}models/${run.folder}`, { backend });
    const { toOwn } = units(run);
    for (const name of runs(tensors, "enc")) {
      const seed = run.seeds?.[name] ?? 0;
      const image = golden(tensors, `${name}.image`);
      const { mean, logvar } = await vae.posterior(image);
      const given = {
        mean,
        logvar,
        mode: toOwn(await vae.encode(image)),
        [`sample_seed${seed}`]: toOwn(await vae.encode(image, torchRandom(seed))),
      };
      for (const [key, value] of Object.entries(given)) {
        expect(maxDifference(value, golden(tensors, `${name}.${key}`)), `${name}.${key}`).toBeLessThan(1e-4);
      }
    }
  });

  it("also from standard operators alone", async () => {
    const files = fixtureFiles("pipelines/tiny-sd/vae");
    const config = autoencoderKLConfig(goldenJson("pipelines/tiny-sd/vae/config.json"));
    const networks = autoencoderKL(await openCheckpoint(files, "diffusion_pytorch_model"), config, {
      operators: unfused,
    });
    await using vae = new AutoencoderKL(new AutoencoderSessions(networks, backend), config);
    const tensors = goldenTensors("models/vae_sd.golden.safetensors");
    await checkDecoding(vae, ofKind("AutoencoderKL")[0]!, tensors);
    const { mean } = await vae.posterior(golden(tensors, "enc2.image"));
    expect(maxDifference(mean, golden(tensors, "enc2.mean"))).toBeLessThan(1e-4);
  });
});

describe("AutoencoderTiny as Diffusers has it", () => {
  it.each(ofKind("AutoencoderTiny"))("$name", async (run) => {
    const tensors = goldenTensors(`models/${run.golden}`);
    await using vae = await AutoencoderTiny.fromPretrained(`${fixtures}models/${run.folder}`, { backend });
    await checkDecoding(vae, run, tensors);
    for (const name of runs(tensors, "enc")) {
      const latents = await vae.encode(golden(tensors, `${name}.image`));
      expect(maxDifference(latents, golden(tensors, `${name}.latents`)), name).toBeLessThan(2e-5);
    }
    expect(vae.unusedTensors).toEqual([]);
  });
});

describe.each([
  ["AutoencoderKL", () => AutoencoderKL.fromPretrained(`${fixtures}pipelines/tiny-sd/vae`, { backend })],
  ["AutoencoderTiny", () => AutoencoderTiny.fromPretrained(`${fixtures}models/vae_tiny`, { backend })],
])("%s", (_, open) => {
  it("names what does not fit", async () => {
    await using vae = await open();
    const factor = vae.scaleFactor;
    expect([vae.latentChannels, factor]).toEqual([4, 8]);
    const wrong: [() => Promise<unknown>, string][] = [
      [() => vae.encode(zeros([1, 3, 40, 55])), "image: expected a width that is a multiple of 8, got 55"],
      [() => vae.encode(zeros([1, 3, 0, 56])), "image: expected a height that is a multiple of 8, got 0"],
      [() => vae.encode(zeros([1, 4, 40, 56])), "image: expected shape [B, 3, H, W], got [1, 4, 40, 56]"],
      [() => vae.encode(zeros([0, 3, 40, 56])), "image: expected at least one picture, got none"],
      [() => vae.decode(zeros([1, 3, 5, 7])), "latents: expected shape [B, 4, H, W], got [1, 3, 5, 7]"],
      [() => vae.decode(zeros([1, 4, 0, 7])), "latents: expected no empty axis, got [1, 4, 0, 7]"],
      [() => vae.decode(zeros([0, 4, 5, 7])), "latents: expected no empty axis, got [0, 4, 5, 7]"],
    ];
    for (const [run, message] of wrong) {
      const error = await run().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RangeError);
      expect(String(error)).toContain(message);
    }
  });

  it("gives each picture of a batch what it gets alone, and reads views", async () => {
    await using vae = await open();
    const latents = torchRandom(5).normal([2, 4, 5, 7]);
    const pair = await vae.decode(latents);
    expect(pair.shape).toEqual([2, 3, 40, 56]);
    const view = latents.hi(2, 4, 5, 7).lo(1, 0, 0, 0);
    expect((await vae.decode(view)).data).toEqual(pair.data.slice(pair.data.length / 2));
  });

  it("refuses to run once disposed, and may be disposed unused", async () => {
    const vae = await open();
    await vae.dispose();
    await vae.dispose();
    await expect(vae.decode(zeros([1, 4, 5, 7]))).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
    await expect(vae.encode(zeros([1, 3, 40, 56]))).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
  });

  it("finishes a run that is under way when it is disposed", async () => {
    const vae = await open();
    const run = vae.decode(zeros([1, 4, 5, 7]));
    await vae.dispose();
    expect((await run).shape).toEqual([1, 3, 40, 56]);
  });
});
