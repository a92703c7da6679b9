import { expect, it } from "vitest";
import { failureOf } from "./failure.js";
import type { Flags } from "./flags.js";
import { createProgram } from "./program.js";

/** What the command would be run with. */
async function parsed(...args: string[]): Promise<[prompt: string, flags: Flags][]> {
  const calls: [string, Flags][] = [];
  const run = async (prompt: string, flags: Flags) => void calls.push([prompt, flags]);
  const none = async () => undefined;
  await createProgram(run, { list: none, pull: none, rm: none, info: none }).parseAsync(args, { from: "user" });
  return calls;
}

it("fills in what is left open", async () => {
  expect(await parsed("a red apple")).toEqual([["a red apple", { steps: 20, device: "auto", count: 1 }]]);
});

it("takes prompts and values that look like flags", async () => {
  const [[prompt, flags] = []] = await parsed("--seed", "-1", "--guidance", "-2.5", "--negative", "", "--", "--json");
  expect(prompt).toBe("--json");
  expect(flags).toMatchObject({ seed: -1, guidance: -2.5, negative: "" });
});

it.each([
  [[], "missing required argument 'prompt'"],
  [["a", "red", "apple"], "too many arguments"],
  [["apple", "--stepz", "3"], "unknown option '--stepz'\n(Did you mean --steps?)"],
  [["apple", "--steps"], "option '--steps <n>' argument missing"],
  [["apple", "--steps", "2.5"], "Expected a whole number of at least 1."],
  [["apple", "--count", "0"], "Expected a whole number of at least 1."],
  [["apple", "--seed", "x"], "Expected a whole number."],
  [["apple", "--guidance", "NaN"], "Expected a number."],
  [["apple", "--size", "big"], "or WIDTHxHEIGHT in multiples of 8"],
  [["apple", "--device", "gpu"], "Allowed choices are auto, cpu, cuda, webgpu, dml, coreml."],
  [["apple", "-o", "apple.jpg"], "Only .png files are written."],
  [["apple", "-o", ""], "Only .png files are written."],
])("%j is wrong usage", async (args, message) => {
  const error = await parsed(...args).catch((reason: unknown) => reason);
  expect(failureOf(error)).toEqual({ code: "usage", message: expect.stringContaining(message), exitCode: 2 });
});
