import { torchRandom } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { drawnNetwork } from "../../../tests/drawn-network.js";
import { golden, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { memoryFiles } from "../../../tests/memory-files.js";
import { KUNetModel } from "./k-unet-model.js";

const backend = await onnxruntimeNode({ device: "cpu", worker: false });
let unet: KUNetModel;
beforeAll(async () => {
  unet = await KUNetModel.fromPretrained(drawnNetwork("models/k_unet"), { backend });
});
afterAll(() => unet.dispose());

describe("KUNetModel", () => {
  it("computes what Diffusers' UNet2DConditionModel of K blocks computes", async () => {
    expect(unet.unusedTensors).toEqual([]);
    const reference = goldenTensors("models/k_unet/golden.safetensors");
    const sizes = [
      [1, 8, 12],
      [2, 16, 8],
    ] as const;
    for (const [i, [batch, height, width]] of sizes.entries()) {
      const found = await unet.predict(
        torchRandom(100 + i).normal([batch, 8, height, width]),
        [...golden(reference, `in${i}.timestep`).data],
        torchRandom(200 + i).normal([batch, 7, 32]),
        { timestepCond: torchRandom(300 + i).normal([batch, 160]) },
      );
      expect(maxDifference(found, golden(reference, `in${i}.out`))).toBeLessThan(1e-4);
    }
  });

  it("names what does not fit", async () => {
    const [context, timestepCond] = [torchRandom(1).normal([1, 7, 32]), torchRandom(2).normal([1, 160])];
    const predict = (shape: number[]) => unet.predict(torchRandom(3).normal(shape), 0, context, { timestepCond });
    await expect(predict([1, 8, 8, 10])).rejects.toThrow(
      new RangeError("sample: expected a width that is a multiple of 4, got 10"),
    );
    await expect(predict([1, 4, 8, 8])).rejects.toThrow("sample: expected shape [B, 8, H, W]");
  });

  it.each([
    [{ act_fn: "silu" }, 'act_fn is "silu"; supported: gelu'],
    [{ block_out_channels: [32, 32, 64] }, "these blocks are not supported; expected one finest resolution"],
    [
      { down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D"] },
      "supported: KDownBlock2D, KCrossAttnDownBlock2D",
    ],
  ])("refuses other networks: %j", async (change, message) => {
    const files = drawnNetwork("models/k_unet");
    const config = JSON.parse(new TextDecoder().decode(await (await files.find("config.json"))?.read()));
    const changed = memoryFiles({ "config.json": JSON.stringify({ ...config, ...change }) });
    const source = { ...files, find: async (path: string) => (path === "config.json" ? changed : files).find(path) };
    await expect(KUNetModel.fromPretrained(source, { backend })).rejects.toThrow(message);
  });
});
