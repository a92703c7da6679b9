import { describe, expect, it } from "vitest";
import { memoryFile } from "../../../tests/memory-files.js";
import { readJson, readText } from "./read-json.js";

describe("readJson", () => {
  it("reads an object, also behind a byte order mark", async () => {
    expect(await readJson(memoryFile("config.json", '\ufeff{"a": [1]}'))).toEqual({ a: [1] });
  });

  it.each(["", "{", "[]", "null", "3"])("refuses %j", async (text) => {
    const reading = readJson(memoryFile("unet/config.json", text));
    await expect(reading).rejects.toMatchObject({
      code: "invalid-checkpoint",
      message: expect.stringContaining("unet/config.json"),
    });
  });
});

describe("readText", () => {
  it("reads UTF-8", async () => expect(await readText(memoryFile("merges.txt", "Ġ é 猫"))).toBe("Ġ é 猫"));

  it("refuses other bytes", async () => {
    const reading = readText(memoryFile("merges.txt", new Uint8Array([0xc3, 0x28])));
    await expect(reading).rejects.toMatchObject({
      code: "invalid-checkpoint",
      message: "merges.txt is not UTF-8 text; download it again",
    });
  });
});
