import { describe, expect, it } from "vitest";
import { memoryModel, readJson, tryReadJson } from "./index.js";

const json = (text: string) => new TextEncoder().encode(text);

describe("readJson", () => {
  it("reads the file of a scheduler with the words that Python writes", async () => {
    const model = memoryModel({ "scheduler/scheduler_config.json": json('{"lambda_min_clipped": -Infinity}') });
    const config = { lambda_min_clipped: Number.NEGATIVE_INFINITY };
    expect(await readJson(model.at("scheduler"), "scheduler_config.json")).toEqual(config);
    expect(await tryReadJson(model, "scheduler/scheduler_config.json")).toEqual(config);
  });

  it("says where a file is broken, also one that may be missing", async () => {
    const model = memoryModel({ "unet/config.json": json('{"a": 1,\n}') }).at("unet");
    for (const reading of [readJson(model, "config.json"), tryReadJson(model, "config.json")]) {
      await expect(reading).rejects.toMatchObject({
        code: "invalid-checkpoint",
        message: expect.stringMatching(/^unet\/config.json is not valid JSON: line 2, column 1: /),
      });
    }
  });

  it("names a missing file and the model's place, or gives undefined when it may be missing", async () => {
    const files = memoryModel({}, "models/sd").at("vae");
    await expect(readJson(files, "config.json")).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining("config.json is missing in models/sd/vae"),
    });
    expect(await tryReadJson(files, "config.json")).toBeUndefined();
  });
});
