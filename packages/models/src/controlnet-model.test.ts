import { LatentKitError, slice, type Tensor, zeros } from "@latentkit/core";
import type { Backend } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { addResiduals } from "./add-residuals.js";
import { ControlNetModel, type ControlNetOptions } from "./controlnet-model.js";
import type { LoadOptions } from "./load-options.js";
import type { ControlResiduals } from "./residual-feeds.js";
import { UNet2DConditionModel, type UNetLoadOptions } from "./unet-2d-condition-model.js";

type Reference = ReturnType<typeof goldenTensors>;

// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const tolerance = 1e-4;
const tiny = `${fixtures}pipelines/tiny-controlnet`;

const open = (path = tiny, options: LoadOptions = {}) => ControlNetModel.fromPretrained(path, { backend, ...options });
const openUNet = (options: UNetLoadOptions = {}, name = "tiny-sd") =>
  UNet2DConditionModel.fromPretrained(`${fixtures}pipelines/${name}/unet`, { backend, ...options });

// most tests run these
const tinyNet = await open();
const tinyUNet = await openUNet({ residuals: true });
afterAll(() => Promise.all([tinyNet.dispose(), tinyUNet.dispose()]));

/** Values of a reference tensor of any type. */
function numbers(tensors: Reference, name: string): number[] {
  return Array.from<number | bigint, number>(tensors.get(name)?.data ?? [], Number);
}

/** Sample, timestep and text of a reference file. */
function inputs(tensors: Reference): [Tensor, number[], Tensor] {
  const [sample, context] = ["sample", "encoder_hidden_states"].map((name) => golden(tensors, name));
  return [sample!, numbers(tensors, "timestep"), context!];
}

/** How far a ControlNet's residuals are from those of a reference file that it has. */
function worst(tensors: Reference, run: string, { downResiduals, midResidual }: ControlResiduals): number {
  const names = [...downResiduals.map((_, i) => `down${i}`), "mid"].map((name) => `${run}.${name}`);
  const differences = [...downResiduals, midResidual].flatMap((value, i) =>
    tensors.has(names[i]!) ? [maxDifference(value, golden(tensors, names[i]!))] : [],
  );
  return Math.max(...differences);
}

/** The tiny ControlNet with other settings. */
async function withSettings(settings: Readonly<Record<string, unknown>>): Promise<ControlNetModel> {
  const config = { ...goldenJson<Record<string, unknown>>("pipelines/tiny-controlnet/config.json"), ...settings };
  const weights = await fixtureFiles("pipelines/tiny-controlnet").find("diffusion_pytorch_model.safetensors");
  return ControlNetModel.fromPretrained(
    memoryFiles({
      "config.json": new TextEncoder().encode(JSON.stringify(config)),
      "diffusion_pytorch_model.safetensors": (await weights?.read()) ?? new Uint8Array(),
    }),
    { backend },
  );
}

// Made by Diffusers 0.32.2 on torch 1.13 (CPU, float32) from random weights; see fixtures/README.md.
describe("the residuals of Diffusers", () => {
  const tensors = goldenTensors("models/controlnet_sd.golden.safetensors");
  const condition = golden(tensors, "controlnet_cond");
  const runs: [string, ControlNetOptions][] = [
    ["scale1.0", {}],
    ["scale0.5", { scale: 0.5 }],
    ["guess1.0", { guessMode: true }],
  ];

  it.each(runs)("%s, and what the UNet makes of them", async (run, options) => {
    const residuals = await tinyNet.predict(...inputs(tensors), condition, options);
    expect(residuals.downResiduals.length).toBe(12);
    expect(worst(tensors, run, residuals)).toBeLessThan(tolerance);
    const noise = await tinyUNet.predict(...inputs(tensors), residuals);
    expect(maxDifference(noise, golden(tensors, `${run}.unet_out`))).toBeLessThan(tolerance);
    expect(tinyNet.unusedTensors).toEqual([]);
  });

  // as above, from weights rounded to float16; by Diffusers 0.40.0.dev0 on torch 2.13
  it("also from one file in its authors' layout", async () => {
    const rounded = goldenTensors("single_file/controlnet.golden.safetensors");
    const warnings: string[] = [];
    await using controlNet = await open(`${fixtures}single_file/controlnet.safetensors`, {
      // heads and groups do not show in the tensors; these are not of the published sizes
      config: { controlnet: goldenJson("pipelines/tiny-controlnet/config.json") },
      onWarning: ({ message }) => warnings.push(message),
    });
    const residuals = await controlNet.predict(...inputs(tensors), condition);
    expect(worst(rounded, "scale1.0", residuals)).toBeLessThan(tolerance);
    expect([controlNet.unusedTensors, warnings]).toEqual([[], []]);
  });

  it("are multiplied one by one by a list of factors", async () => {
    const scale = Array.from({ length: 13 }, (_, i) => i / 4 - 1);
    const given = await tinyNet.predict(...inputs(tensors), condition, { scale });
    const whole = await tinyNet.predict(...inputs(tensors), condition);
    expect(given.downResiduals.map(({ data }) => data[0])).toEqual(
      whole.downResiduals.map(({ data }, i) => Math.fround(data[0]! * scale[i]!)),
    );
    expect(given.midResidual.data[3]).toBe(Math.fround(whole.midResidual.data[3]! * 2));
  });
});

// Made by Diffusers 0.40.0.dev0 on torch 2.13: two latents of 9x14 with timesteps of their own, one condition.
describe("on an odd size, with other settings", () => {
  const tensors = goldenTensors("models/controlnet_settings.golden.safetensors");
  const runs: [string, Readonly<Record<string, unknown>>, ControlNetOptions][] = [
    ["plain", {}, { scale: 0.7 }],
    ["guess", {}, { scale: 0.7, guessMode: true }],
    ["bgr", { controlnet_conditioning_channel_order: "bgr" }, {}],
    ["pool", { global_pool_conditions: true }, { scale: 0.7, guessMode: true }],
  ];

  it.each(runs)("%s", async (run, settings, options) => {
    await using controlNet = await withSettings(settings);
    const residuals = await controlNet.predict(...inputs(tensors), golden(tensors, "cond0"), options);
    expect(worst(tensors, run, residuals)).toBeLessThan(tolerance);
    const noise = await tinyUNet.predict(...inputs(tensors), residuals);
    expect(maxDifference(noise, golden(tensors, `${run}.unet_out`))).toBeLessThan(tolerance);
  });

  it("several ControlNets add up, also one that steers by single values", async () => {
    await using pool = await withSettings({ global_pool_conditions: true });
    const [first, second] = ["cond0", "cond1"].map((name) => golden(tensors, name)) as [Tensor, Tensor];
    const predict = (net: ControlNetModel, condition: Tensor, scale: number) =>
      net.predict(...inputs(tensors), condition, { scale });
    const sets = [await predict(tinyNet, first, 0.6), await predict(tinyNet, second, 1.2)];
    const multi = addResiduals(sets);
    expect(worst(tensors, "multi", multi)).toBeLessThan(tolerance);
    const noise = await tinyUNet.predict(...inputs(tensors), multi);
    expect(maxDifference(noise, golden(tensors, "multi.unet_out"))).toBeLessThan(tolerance);
    const mixed = addResiduals([await predict(pool, first, 0.6), sets[1]!]);
    expect(worst(tensors, "mixed", mixed)).toBeLessThan(tolerance);
    const mixedNoise = await tinyUNet.predict(...inputs(tensors), mixed);
    expect(maxDifference(mixedNoise, golden(tensors, "mixed.unet_out"))).toBeLessThan(tolerance);
  });
});

// Made by Diffusers 0.40.0.dev0 on torch 2.13.
describe("networks of other families", () => {
  it("SDXL's are told the pooled text and the sizes", async () => {
    const tensors = goldenTensors("models/controlnet_xl.golden.safetensors");
    const added = { textEmbeds: golden(tensors, "text_embeds"), timeIds: golden(tensors, "time_ids") };
    await using controlNet = await open(`${fixtures}models/controlnet_xl`);
    await using unet = await openUNet({}, "tiny-sdxl");
    const condition = golden(tensors, "cond");
    const residuals = await controlNet.predict(...inputs(tensors), condition, { ...added, scale: 0.9 });
    expect(worst(tensors, "scale0.9", residuals)).toBeLessThan(tolerance);
    const noise = await unet.predict(...inputs(tensors), { ...added, ...residuals });
    expect(maxDifference(noise, golden(tensors, "unet_out"))).toBeLessThan(tolerance);
    await expect(controlNet.predict(...inputs(tensors), condition)).rejects.toThrow(
      "textEmbeds: this network needs it",
    );
    expect([controlNet.scaleFactor, controlNet.unusedTensors]).toEqual([4, []]);
  });

  it("a small one has no attention, takes labels and a condition as large as the latents", async () => {
    const tensors = goldenTensors("models/controlnet_small.golden.safetensors");
    await using controlNet = await open(`${fixtures}models/controlnet_small`);
    const residuals = await controlNet.predict(...inputs(tensors), golden(tensors, "cond"), { classLabels: [2] });
    expect(worst(tensors, "scale1.0", residuals)).toBeLessThan(tolerance);
    expect([controlNet.scaleFactor, controlNet.unusedTensors]).toEqual([1, []]);
  });
});

describe("a UNet", () => {
  const tensors = goldenTensors("models/controlnet_sd.golden.safetensors");
  const reference = golden(tensors, "unet_out_without");
  const residuals: ControlResiduals = {
    downResiduals: Array.from({ length: 12 }, (_, i) => golden(tensors, `scale1.0.down${i}`)),
    midResidual: golden(tensors, "scale1.0.mid"),
  };

  /** A backend that counts the sessions it holds. */
  function counted(): { backend: Backend; opened: string[][] } {
    const opened: string[][] = [];
    return {
      opened,
      backend: {
        ...backend,
        async createSession(model) {
          const session = await backend.createSession(model);
          const names = session.inputs.map(({ name }) => name);
          opened.push(names);
          const dispose = () => {
            if (opened.includes(names)) opened.splice(opened.indexOf(names), 1);
            return session.dispose();
          };
          return { ...session, dispose };
        },
      },
    };
  }

  it.each(["normal", "low"] as const)(
    "holds its weights once, before and after the first residuals: %s",
    async (memory) => {
      const { backend: counting, opened } = counted();
      const unet = await openUNet({ backend: counting, memory });
      const isLow = memory === "low";
      // sample, timestep and the text; or keys and values of 16 layers, which a graph makes of the text
      const plain = isLow ? [3] : [2 + 32, 1];
      const [count = 0, ...ofText] = plain;
      const counts = () => opened.map((names) => names.length);
      expect(counts()).toEqual(isLow ? [] : plain);
      const before = await unet.predict(...inputs(tensors));
      expect(counts()).toEqual(plain);
      const [steered, after] = await Promise.all([
        unet.predict(...inputs(tensors), residuals),
        unet.predict(...inputs(tensors)),
      ]);
      expect(counts()).toEqual([count + 12 + 1 + 5 + 1, ...ofText]);
      expect(maxDifference(before, reference)).toBeLessThan(2e-5);
      expect(maxDifference(after, reference)).toBeLessThan(2e-5);
      expect(maxDifference(steered, golden(tensors, "scale1.0.unet_out"))).toBeLessThan(tolerance);
      await unet.release();
      expect(opened.length).toBe(isLow ? 0 : 2);
      expect(maxDifference(await unet.predict(...inputs(tensors), residuals), steered)).toBe(0);
      await unet.dispose();
      await unet.dispose();
      expect(opened).toEqual([]);
      await expect(unet.predict(...inputs(tensors), residuals)).rejects.toMatchObject({ code: "disposed" });
    },
  );

  it("names the residual that does not fit", async () => {
    await using unet = await openUNet();
    const { downResiduals, midResidual } = residuals;
    const wrong: [Parameters<UNet2DConditionModel["predict"]>[3], string][] = [
      [{ downResiduals }, "midResidual: expected beside downResiduals"],
      [{ midResidual }, "downResiduals: expected beside midResidual"],
      [
        { downResiduals: downResiduals.slice(0, 9), midResidual },
        "downResiduals: expected 12 tensors, got 9; they are for a UNet of another family",
      ],
      [
        { downResiduals: downResiduals.with(3, zeros([1, 8, 4, 5])), midResidual },
        "downResiduals[3]: expected shape [1, 8, 4, 4], got [1, 8, 4, 5]",
      ],
      [
        { downResiduals, midResidual: zeros([2, 16, 1, 1]) },
        "midResidual: expected shape [1, 16, 1, 1], got [2, 16, 1, 1]",
      ],
      [{ downIntraResiduals: [midResidual] }, "downIntraResiduals: expected 4 or 5 tensors, got 1"],
      [
        { downIntraResiduals: Array.from({ length: 4 }, () => zeros([1, 16, 8, 8])) },
        "downIntraResiduals[0]: expected shape [1, 8, 8, 8], got [1, 16, 8, 8]",
      ],
    ];
    for (const [conditions, message] of wrong)
      await expect(unet.predict(...inputs(tensors), conditions)).rejects.toThrow(message);
    // nothing was opened for these
    expect(maxDifference(await unet.predict(...inputs(tensors)), reference)).toBeLessThan(2e-5);
  });
});

describe("what a ControlNet refuses", () => {
  const sample = zeros([2, 4, 6, 10]);
  const context = zeros([2, 7, 32]);
  const condition = zeros([1, 3, 48, 80]);

  it("arguments that do not fit", async () => {
    const wrong: [Parameters<ControlNetModel["predict"]>, string][] = [
      [[zeros([2, 9, 6, 10]), 1, context, condition], "sample: expected shape [B, 4, H, W], got [2, 9, 6, 10]"],
      [[sample, 1, zeros([2, 7, 48]), condition], "encoderHiddenStates: expected shape [2, L, 32], got [2, 7, 48]"],
      [[sample, 1, context, zeros([1, 1, 48, 80])], "condition: expected shape [B, 3, H, W], got [1, 1, 48, 80]"],
      [[sample, 1, context, zeros([3, 3, 48, 80])], "condition: expected a batch of 1 or 2, got 3"],
      [
        [sample, 1, context, zeros([1, 3, 80, 48])],
        "condition: latents of 6 rows and 10 columns need 48 rows and 80 columns, got 80 and 48",
      ],
      [
        [sample, 1, context, condition, { scale: Number.NaN }],
        "scale: expected a finite number, or 13 of them, got NaN",
      ],
      [[sample, 1, context, condition, { scale: [1, 2] }], "scale: expected a finite number, or 13 of them, got 1, 2"],
    ];
    for (const [args, message] of wrong) {
      const error = await tinyNet.predict(...args).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RangeError);
      expect(String(error)).toContain(message);
    }
    await expect(
      tinyNet.predict(sample, 1, context, condition, { textEmbeds: zeros([2, 20]), timeIds: zeros([2, 6]) }),
    ).rejects.toThrow(new TypeError("textEmbeds: this network does not take it"));
  });

  it("a network of another class", async () => {
    const error = await open(`${fixtures}pipelines/tiny-sd/unet`).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LatentKitError);
    expect(String(error)).toContain('_class_name is "UNet2DConditionModel"; supported: ControlNetModel');
    await expect(UNet2DConditionModel.fromPretrained(tiny, { backend })).rejects.toMatchObject({
      code: "invalid-checkpoint",
    });
  });

  it("settings that would change the picture", async () => {
    await expect(withSettings({ controlnet_conditioning_channel_order: "grb" })).rejects.toThrow(
      'controlnet_conditioning_channel_order is "grb"; supported: rgb, bgr',
    );
    await expect(withSettings({ encoder_hid_dim: 4 })).rejects.toThrow("encoder_hid_dim is 4; supported: null");
    await expect(withSettings({ class_embed_type: "timestep" })).rejects.toMatchObject({ code: "unsupported-model" });
  });
});

describe("addResiduals", () => {
  const set = (shape: readonly number[], count = 2): ControlResiduals => ({
    downResiduals: Array.from({ length: count }, () => zeros(shape)),
    midResidual: zeros(shape),
  });

  it("repeats a batch of 1", () => {
    const ones = set([1, 2, 1, 3]);
    ones.midResidual.data.set([1, 2, 3, 4, 5, 6]);
    const { midResidual } = addResiduals([ones, set([2, 2, 1, 3])]);
    expect([...midResidual.data]).toEqual([1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(slice(midResidual, 1, 2).data).toEqual(ones.midResidual.data);
  });

  it("refuses what does not belong together", () => {
    expect(() => addResiduals([])).toThrow(
      new RangeError("sets: expected at least one ControlNet's residuals, got none"),
    );
    expect(() => addResiduals([set([1, 2, 4, 4]), set([1, 2, 4, 4], 3)])).toThrow(
      "sets[1].downResiduals: expected 2 tensors, got 3",
    );
    expect(() => addResiduals([set([1, 2, 4, 4]), set([1, 2, 4, 3])])).toThrow(
      "sets: expected residuals of one shape, got [1, 2, 4, 4] and [1, 2, 4, 3]",
    );
  });
});
