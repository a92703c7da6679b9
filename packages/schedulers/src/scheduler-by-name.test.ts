import { describe, expect, it } from "vitest";
import { DPMSolverMultistepScheduler } from "./dpm-solver-multistep.js";
import { EulerDiscreteScheduler } from "./euler-discrete.js";
import { samplers } from "./sampler-table.js";
import { schedulerByName } from "./scheduler-by-name.js";
import { schedulerClasses, schedulerFromConfig } from "./scheduler-from-config.js";
import { namedScheduler, schedulerNames } from "./scheduler-names.js";

// what is in the scheduler_config.json of Stable Diffusion 1.5
const sd15 = {
  _class_name: "PNDMScheduler",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

describe("schedulerByName", () => {
  it.each([
    ["Euler", "EulerDiscreteScheduler", {}],
    ["Euler a", "EulerAncestralDiscreteScheduler", {}],
    ["euler_ancestral", "EulerAncestralDiscreteScheduler", {}],
    ["k_euler_a", "EulerAncestralDiscreteScheduler", {}],
    ["EULER A", "EulerAncestralDiscreteScheduler", {}],
    ["euler_ancestral sgm_uniform", "EulerAncestralDiscreteScheduler", { timestep_spacing: "trailing" }],
    ["Euler Karras", "EulerDiscreteScheduler", { use_karras_sigmas: true }],
    ["Heun Beta", "HeunDiscreteScheduler", { use_beta_sigmas: true }],
    ["LMS Karras", "LMSDiscreteScheduler", { use_karras_sigmas: true }],
    ["DPM2", "KDPM2DiscreteScheduler", { use_karras_sigmas: false }],
    ["DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", { use_karras_sigmas: true }],
    ["dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler", {}],
    ["DPM++ 2M", "DPMSolverMultistepScheduler", { algorithm_type: "dpmsolver++", solver_order: 2 }],
    ["DPM++ 2M Karras", "DPMSolverMultistepScheduler", { solver_type: "midpoint", use_karras_sigmas: true }],
    ["dpmpp_2m + karras", "DPMSolverMultistepScheduler", { algorithm_type: "dpmsolver++", use_karras_sigmas: true }],
    ["k_dpmpp_2m_ka", "DPMSolverMultistepScheduler", { use_karras_sigmas: true }],
    [
      "dpmpp-2m-sde-karras",
      "DPMSolverMultistepScheduler",
      { algorithm_type: "sde-dpmsolver++", use_karras_sigmas: true },
    ],
    ["dpmpp_2m_sde_gpu exponential", "DPMSolverMultistepScheduler", { use_exponential_sigmas: true, solver_order: 2 }],
    ["DPM++ 2M SDE Heun", "DPMSolverMultistepScheduler", { algorithm_type: "sde-dpmsolver++", solver_type: "heun" }],
    ["DPM++ 3M SDE Exponential", "DPMSolverMultistepScheduler", { solver_order: 3, use_exponential_sigmas: true }],
    ["DPM++ 2M Automatic", "DPMSolverMultistepScheduler", { use_karras_sigmas: true }],
    ["DPM++ 3M SDE Automatic", "DPMSolverMultistepScheduler", { solver_order: 3, use_exponential_sigmas: true }],
    ["Euler Automatic", "EulerDiscreteScheduler", { use_karras_sigmas: false }],
    ["DPM++ 2M Uniform", "DPMSolverMultistepScheduler", { timestep_spacing: "linspace", use_karras_sigmas: false }],
    ["UniPC", "UniPCMultistepScheduler", { solver_type: "bh2" }],
    ["uni_pc_bh2 simple", "UniPCMultistepScheduler", { timestep_spacing: "trailing" }],
    ["DPM++ SDE Karras", "DPMSolverSDEScheduler", { use_karras_sigmas: true }],
    ["dpmpp_sde_gpu", "DPMSolverSDEScheduler", {}],
    ["DPM++ 2S Karras", "DPMSolverSinglestepScheduler", { solver_order: 2, use_karras_sigmas: true }],
    ["DEIS", "DEISMultistepScheduler", { algorithm_type: "deis" }],
    ["sa_solver", "SASolverScheduler", { algorithm_type: "data_prediction" }],
    ["DDIM", "DDIMScheduler", {}],
    ["ddim ddim_uniform", "DDIMScheduler", { timestep_spacing: "leading", steps_offset: 1 }],
    ["PLMS", "PNDMScheduler", { skip_prk_steps: true }],
    ["lcm", "LCMScheduler", {}],
    ["TCD", "TCDScheduler", {}],
    ["ddpm", "DDPMScheduler", {}],
    ["UniPCMultistep", "UniPCMultistepScheduler", {}],
    ["IPNDMScheduler", "IPNDMScheduler", {}],
    ["ddim-inverse-scheduler", "DDIMInverseScheduler", {}],
  ])("%s is %s", (name, className, settings) => {
    const scheduler = schedulerByName(name, sd15);
    expect(scheduler.config).toMatchObject({ ...sd15, _class_name: className, ...settings });
    expect(scheduler.plan({ numInferenceSteps: 7 }).timesteps.length).toBeGreaterThanOrEqual(7);
  });

  it("clips only where the checkpoint says so", () => {
    const latent = new DPMSolverMultistepScheduler({ betaSchedule: "scaled_linear" });
    for (const name of ["DDIM", "DDPM", "Heun", "LCM", "TCD", "DDIMInverse"]) {
      expect(schedulerByName(name, latent).config.clip_sample, name).toBe(false);
      expect(schedulerByName(name, sd15).config.clip_sample, name).toBe(false);
    }
    expect(schedulerByName("DDIM", { ...sd15, clip_sample: true }).config.clip_sample).toBe(true);
    expect(schedulerByName("DDIM", { _class_name: "DDPMScheduler", clip_sample: true }).config.clip_sample).toBe(true);
  });

  it("equals the class with these options", () => {
    const named = schedulerByName("DPM++ 2M SDE Karras", sd15);
    const own = DPMSolverMultistepScheduler.fromConfig({
      ...sd15,
      algorithm_type: "sde-dpmsolver++",
      use_karras_sigmas: true,
    });
    const [a, b] = [named, own].map((scheduler) => scheduler.plan({ numInferenceSteps: 12 }));
    expect([a?.timesteps, a?.sigmas]).toEqual([b?.timesteps, b?.sigmas]);
  });

  it("runs a formula's levels between the ends of training, whatever the checkpoint's spacing", () => {
    const sdxl = { ...sd15, _class_name: "EulerDiscreteScheduler", timestep_spacing: "leading" };
    const { sigmas } = schedulerByName("Euler Karras", sdxl).plan({ numInferenceSteps: 30 });
    // reference facts of Stable Diffusion: sqrt((1 - ᾱ) / ᾱ) at timesteps 999 and 0
    expect(sigmas?.[0]).toBeCloseTo(14.6146, 4);
    expect(sigmas?.[29]).toBeCloseTo(0.0291675, 6);
    expect(schedulerByName("Euler", sdxl).config.timestep_spacing).toBe("leading");
  });

  it("takes a scheduler, and leaves nothing of the name it had", () => {
    const before = schedulerByName("DPM++ 2M SDE Heun Karras", sd15);
    const after = schedulerByName("DPM++ 2M", before);
    expect(after.config).toMatchObject({
      algorithm_type: "dpmsolver++",
      solver_type: "midpoint",
      use_karras_sigmas: false,
      beta_schedule: "scaled_linear",
    });
    expect(before.config.use_karras_sigmas).toBe(true);
    for (const { name } of schedulerNames) schedulerByName(name, schedulerByName("DPM++ 3M SDE Beta", before));
  });

  it("sets what the checkpoint's class took by default", () => {
    const plain = new DPMSolverMultistepScheduler();
    expect(plain.config._use_default_values).toContain("use_karras_sigmas");
    expect(schedulerByName("DPM++ 2M Karras", plain).config.use_karras_sigmas).toBe(true);
    expect(schedulerByName("DPM++ 2M Karras", plain).config.beta_schedule).toBe("linear");
  });

  it("has Stable Diffusion's noise schedule where there is no checkpoint", () => {
    const sigmas = (scheduler: ReturnType<typeof schedulerByName>) => scheduler.plan({ numInferenceSteps: 9 }).sigmas;
    const noise = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear", stepsOffset: 1 } as const;
    expect(sigmas(schedulerByName("Euler"))).toEqual(sigmas(new EulerDiscreteScheduler(noise)));
  });

  it("takes the flow-matching classes for rectified-flow checkpoints", () => {
    const sd3 = { _class_name: "FlowMatchEulerDiscreteScheduler", num_train_timesteps: 1000, shift: 3 };
    expect(schedulerByName("Euler", sd3).name).toBe("FlowMatchEulerDiscreteScheduler");
    expect(schedulerByName("heun", sd3).config).toMatchObject({
      _class_name: "FlowMatchHeunDiscreteScheduler",
      shift: 3,
    });
    const solver = schedulerByName("DPM++ 2M", sd3);
    expect(solver.config).toMatchObject({ prediction_type: "flow_prediction", use_flow_sigmas: true, flow_shift: 3 });
    expect(schedulerByName("euler", solver).config).toMatchObject({ shift: 3, use_karras_sigmas: false });
    expect(schedulerByName("Euler Karras", sd3).config.use_karras_sigmas).toBe(true);
    for (const name of ["Euler a", "DPM++ 2M Karras", "Euler SGM Uniform", "Heun Karras", "DDIM"]) {
      expect(() => schedulerByName(name, sd3), name).toThrow(/^name: .* on rectified-flow checkpoints/);
    }
    expect(() => schedulerByName("UniPC", { ...sd3, use_dynamic_shifting: true })).toThrow(/rectified-flow/);
  });

  it("takes the EDM classes for EDM checkpoints", () => {
    const edm = { _class_name: "EDMEulerScheduler", sigma_max: 80, sigma_min: 0.002 };
    expect(schedulerByName("Euler", edm).name).toBe("EDMEulerScheduler");
    expect(schedulerByName("DPM++ 2M SDE Exponential", edm).config).toMatchObject({
      _class_name: "EDMDPMSolverMultistepScheduler",
      algorithm_type: "sde-dpmsolver++",
      sigma_schedule: "exponential",
    });
    expect(() => schedulerByName("LMS", edm)).toThrow(/^name: "LMS" .* on EDM checkpoints/);
    expect(() => schedulerByName("Euler Beta", edm)).toThrow(RangeError);
  });

  it.each([
    ["Eular a", /unknown; the nearest are "Euler a"/],
    ["dpm++2m caras", /unknown; the nearest are "DPM\+\+ 2M Karras"/],
    ["", /unknown/],
    ["scheduler", /unknown/],
    ["constructor", /unknown/],
    ["Restart", /"Restart" is missing: Diffusers has no class/],
    ["restart karras", /"Restart" is missing/],
    ["DPM adaptive", /chooses its steps as it goes/],
    ["dpm_fast", /"DPM fast" is missing/],
    ["DPM++ 2S a Karras", /takes its steps without fresh noise/],
    ["dpmpp_2s_ancestral", /takes its steps without fresh noise/],
    ["DDIM CFG++", /changes the guidance/],
    ["euler_ancestral_cfg_pp", /"euler_ancestral_cfg_pp" is missing: it changes the guidance/],
    ["ipndm", /"ipndm" is missing: .*timesteps from 0 to 1/],
    ["Euler a Karras", /EulerAncestralDiscreteScheduler has no option for this spacing/],
    ["LCM Simple", /LCMScheduler has no option for this spacing/],
    ["DPM++ 2M Align Your Steps", /alignYourSteps/],
    ["euler kl_optimal", /"KL Optimal" is missing/],
  ])("refuses %j", (name, message) => {
    expect(() => schedulerByName(name, sd15)).toThrow(RangeError);
    expect(() => schedulerByName(name, sd15)).toThrow(message);
  });

  it.each([
    [undefined, sd15, /^name: /],
    [3, sd15, /^name: /],
    ["Euler", null, /^checkpoint: /],
    ["Euler", "sd15", /^checkpoint: /],
  ])("refuses %j on %j", (name, config, message) => {
    expect(() => schedulerByName(name as never, config as never)).toThrow(message);
    expect(() => schedulerByName(name as never, config as never)).toThrow(TypeError);
  });
});

describe("schedulerNames", () => {
  it("lists names that are all known, by every alias", () => {
    expect(schedulerNames.length).toBeGreaterThan(60);
    expect(new Set(schedulerNames.map(({ name }) => name)).size).toBe(schedulerNames.length);
    for (const one of schedulerNames) {
      for (const name of [one.name, ...one.aliases, one.name.toLowerCase().replaceAll(" ", "_")]) {
        expect(namedScheduler(name), name).toBe(one);
      }
    }
  });

  it("sets options that the classes have, one formula at most", () => {
    for (const { name, className, settings } of schedulerNames) {
      const known = Object.keys(new schedulerClasses[className]().config);
      expect(known, name).toEqual(expect.arrayContaining(Object.keys(settings)));
      expect(schedulerFromConfig({ _class_name: className, ...settings }).config, name).toMatchObject(settings);
    }
  });

  it("offers every spacing that a class has an option for", () => {
    // LCM and TCD take the option and do not use it
    for (const { name, className, spacings } of samplers.filter(({ name }) => name !== "LCM" && name !== "TCD")) {
      const { config } = new schedulerClasses[className]();
      const [formulas, timesteps] = ["use_karras_sigmas" in config, "timestep_spacing" in config];
      const offered = formulas ? (timesteps ? "all" : "formulas") : timesteps ? "timesteps" : "none";
      expect(spacings, name).toBe(offered);
    }
  });
});
