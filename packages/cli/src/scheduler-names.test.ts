import { PNDMScheduler } from "latentkit";
import { describe, expect, it } from "vitest";
import { chosenScheduler, parseScheduler } from "./scheduler-names.js";

describe("parseScheduler", () => {
  it.each([
    ["euler", "EulerDiscreteScheduler"],
    ["Euler a", "EulerAncestralDiscreteScheduler"],
    ["EulerDiscreteScheduler", "EulerDiscreteScheduler"],
    ["euler-ancestral-discrete", "EulerAncestralDiscreteScheduler"],
    ["DDIM", "DDIMScheduler"],
    ["pndmscheduler", "PNDMScheduler"],
    ["UniPCMultistep", "UniPCMultistepScheduler"],
    ["DPM++ 2M Karras", "DPMSolverMultistepScheduler"],
  ])("%s is %s", (name, className) => {
    expect(parseScheduler(name).className).toBe(className);
  });

  it.each(["", "magic", "scheduler", "constructor"])("does not know %j", (name) => {
    expect(() => parseScheduler(name)).toThrow(/Expected one of ddim, .*euler-a, .*UniPCMultistepScheduler/);
  });
});

describe("chosenScheduler", () => {
  const checkpoint = PNDMScheduler.fromConfig({ beta_schedule: "scaled_linear", steps_offset: 1, made_by: "someone" });

  it("keeps the checkpoint's configuration", () => {
    const { name, config } = chosenScheduler(parseScheduler("ddim"), checkpoint);
    expect(name).toBe("DDIMScheduler");
    expect(config).toMatchObject({ beta_schedule: "scaled_linear", steps_offset: 1, made_by: "someone" });
  });

  it("changes what the name says, also where the class before took the default", () => {
    const plain = chosenScheduler(parseScheduler("dpmpp-2m"), checkpoint);
    const karras = chosenScheduler(parseScheduler("dpmpp-2m-karras"), plain);
    expect([plain.config.use_karras_sigmas, karras.config.use_karras_sigmas]).toEqual([false, true]);
    const solver = chosenScheduler(parseScheduler("DPMSolverMultistep"), checkpoint);
    expect(chosenScheduler(parseScheduler("dpmpp-2m-sde-karras"), solver).config).toMatchObject({
      algorithm_type: "sde-dpmsolver++",
      use_karras_sigmas: true,
    });
  });
});
