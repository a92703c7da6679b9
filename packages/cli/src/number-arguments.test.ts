import { expect, it } from "vitest";
import { finiteNumber, wholeNumber } from "./number-arguments.js";

it("reads numbers", () => {
  expect(["7.5", "-1", "1e1"].map(finiteNumber)).toEqual([7.5, -1, 10]);
  expect(["42", "-1", "+3", "4294967296"].map(wholeNumber())).toEqual([42, -1, 3, 2 ** 32]);
});

it.each(["", " ", "NaN", "Infinity", "7,5", "seven"])("%j is no number", (text) => {
  expect(() => finiteNumber(text)).toThrow("Expected a number.");
});

it.each(["", "1.5", "1e3", "0x10", "9007199254740993", "0"])("%j is no whole number of at least 1", (text) => {
  expect(() => wholeNumber(1)(text)).toThrow("Expected a whole number of at least 1.");
});
