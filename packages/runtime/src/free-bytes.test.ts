import { setTimeout } from "node:timers/promises";
import { expect, it } from "vitest";
import { createFreeBytes } from "./free-bytes.js";

it("gives the memory back at once", async () => {
  const freeBytes = createFreeBytes();
  await setTimeout(20); // what was closed a moment ago is closed now
  const size = 400 * 2 ** 20;
  const bytes = new Uint8Array(size).fill(1);
  const before = process.memoryUsage().rss;
  freeBytes([bytes, bytes.subarray(7), new Uint8Array()]);
  expect(process.memoryUsage().rss).toBeLessThan(before - size / 2);
  expect(bytes).toHaveLength(0);
  freeBytes([bytes]);
});
