import { expect, it } from "vitest";
import { expectInvalid, png, pngSuite } from "./png.suite.js";

pngSuite();

it("a PNG that inflates to more than its pixels is refused before the rest is inflated", async () => {
  const bomb = new Uint8Array(2 ** 26);
  const header = { width: 64, height: 48, colour: 0 };
  const files = [await png({ ...header, interlace: 0 }, bomb), await png({ ...header, interlace: 1 }, bomb)];
  const before = process.memoryUsage().arrayBuffers;
  for (const file of files) await expectInvalid(file, /damaged/);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 25);
});
