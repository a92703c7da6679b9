import { expect, it } from "vitest";
import type { Draw } from "./drawing-options.js";
import { failureOf } from "./failure.js";
import type { Flags } from "./flags.js";
import { createProgram } from "./program.js";
import type { Task } from "./task.js";

/** What the command would be run with. */
async function parsed(...args: string[]): Promise<[prompt: string, flags: Flags, task: Task][]> {
  const calls: [string, Flags, Task][] = [];
  const run: Draw = async (prompt, flags, task) => void calls.push([prompt, flags, task]);
  const none = async () => undefined;
  await createProgram(run, { list: none, pull: none, rm: none, info: none }).parseAsync(args, { from: "user" });
  return calls;
}

it("fills in what is left open", async () => {
  expect(await parsed("a red apple")).toEqual([["a red apple", { device: "auto", count: 1 }, { kind: "draw" }]]);
});

it("reads quality and feature reuse", async () => {
  const [[, flags] = []] = await parsed("apple", "--quality", "best", "--deep-cache", "3");
  expect(flags).toMatchObject({ quality: "best", deepCache: 3 });
});

it("takes prompts and values that look like flags", async () => {
  const [[prompt, flags] = []] = await parsed("--seed", "-1", "--guidance", "-2.5", "--negative", "", "--", "--json");
  expect(prompt).toBe("--json");
  expect(flags).toMatchObject({ seed: -1, guidance: -2.5, negative: "" });
});

it("knows the commands that begin from a picture", async () => {
  const shared = { device: "auto", count: 1 };
  expect(await parsed("img2img", "a painting", "--image", "a.png", "--seed", "7")).toEqual([
    ["a painting", { ...shared, seed: 7 }, { kind: "img2img", image: "a.png", strength: 0.8 }],
  ]);
  const mask = ["--mask", "mask.png", "--padding-mask-crop", "32", "--no-overlay"];
  expect(await parsed("inpaint", "a bench", "-i", "a.png", ...mask)).toEqual([
    [
      "a bench",
      shared,
      { kind: "inpaint", image: "a.png", mask: "mask.png", strength: undefined, paddingMaskCrop: 32, overlay: false },
    ],
  ]);
  const upscale = { kind: "upscale", image: "a.png", strength: 0.2, noiseLevel: undefined };
  expect(await parsed("upscale", "--image", "a.png", "--scale", "1.5", "--strength", "0.2")).toEqual([
    ["", shared, { ...upscale, scale: 1.5 }],
  ]);
  const control = { controlnet: "./canny", adapter: undefined, scale: 0.8, start: undefined, end: 0.5, guess: true };
  const told = ["--preprocess", "canny", "--controlnet", "./canny", "--scale", "0.8", "--end", "0.5", "--guess"];
  expect(await parsed("control", "a castle", "--image", "a.png", "--steps", "9", ...told)).toEqual([
    ["a castle", { ...shared, steps: 9 }, { kind: "control", image: "a.png", preprocess: "canny", ...control }],
  ]);
});

it("shows every command's options", () => {
  const none = async () => undefined;
  const program = createProgram(none, { list: none, pull: none, rm: none, info: none });
  const help = (name: string) => program.commands.find((command) => command.name() === name)?.helpInformation() ?? "";
  for (const name of ["img2img", "inpaint", "upscale"]) {
    for (const option of ["--image <file>", "--strength <share>", "--output <file>", "--seed <n>", "--json"])
      expect(help(name), name).toContain(option);
  }
  expect(help("inpaint")).toContain("--mask <file>");
  expect(help("control")).toContain("--controlnet <source>");
  expect(help("upscale")).toContain("Usage: latentkit upscale [options] [prompt]");
  expect(program.helpInformation()).toMatch(/img2img.*makes another picture of a picture/);
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
  [["apple", "--quality", "good"], "Allowed choices are draft, normal, best."],
  [["apple", "--deep-cache", "0"], "Expected a whole number of at least 1."],
  [["apple", "--device", "gpu"], "Allowed choices are auto, cpu, cuda, webgpu, dml, coreml."],
  [["apple", "-o", "apple.jpg"], "Only .png files are written."],
  [["apple", "-o", ""], "Only .png files are written."],
  [["img2img", "apple"], "required option '-i, --image <file>' not specified"],
  [["img2img", "--image", "a.png"], "missing required argument 'prompt'"],
  [["inpaint", "apple", "--image", "a.png", "--padding-mask-crop", "-1"], "Expected a whole number of at least 0."],
  [["upscale", "apple", "--image", "a.png", "--scale", "x"], "Expected a number."],
])("%j is wrong usage", async (args, message) => {
  const error = await parsed(...args).catch((reason: unknown) => reason);
  expect(failureOf(error)).toEqual({ code: "usage", message: expect.stringContaining(message), exitCode: 2 });
});
