import { expect, it } from "vitest";
import { parseSize } from "./size.js";

it.each([
  ["512", 512, 512],
  ["768x512", 768, 512],
  ["8X16", 8, 16],
  ["48×64", 48, 64],
])("reads %s", (text, width, height) => {
  expect(parseSize(text)).toEqual({ width, height });
});

it.each(["", "0", "x512", "512x", "512x0", "500", "512x500", "-512", "512.0", "512x512x512", "1e3", "9".repeat(20)])(
  "refuses %j",
  (text) => {
    expect(() => parseSize(text)).toThrow(/multiples of 8, such as 512 or 768x512/);
  },
);
