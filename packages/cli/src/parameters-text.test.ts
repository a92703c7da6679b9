import { DPMSolverMultistepScheduler } from "latentkit";
import { expect, it } from "vitest";
import { parametersText } from "./parameters-text.js";

it("quotes what would break the list, and leaves out an empty negative prompt", () => {
  const scheduler = new DPMSolverMultistepScheduler({ useKarrasSigmas: true, algorithmType: "sde-dpmsolver++" });
  const settings = { prompt: "two\nlines", steps: 20, scheduler, guidance: 4, seed: 1, size: "64x48", model: "a, b" };
  const [first, second, list] = parametersText(settings).split("\n");
  expect([first, second]).toEqual(["two", "lines"]);
  expect(list).toContain('Sampler: DPM++ 2M SDE Karras, CFG scale: 4, Seed: 1, Size: 64x48, Model: "a, b", Version: ');
});
