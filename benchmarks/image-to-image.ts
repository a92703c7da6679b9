// What image to image and a ControlNet cost beside text to image, with networks of Stable Diffusion 1.5's size and random
// weights, written by the benchmark itself (4.3 GB and 1.4 GB). Processor time stands beside the clock's: other work on the
// machine disturbs it less.
// usage: npm run benchmark:img2img [-- --size 256] [--steps 6] [--folder …]
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ControlNetModel,
  encodeImage,
  encodePrompt,
  type GenerateResult,
  RgbaImage,
  type RunOptions,
  StableDiffusionControlNetPipeline,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionPipeline,
  torchRandom,
  UNet2DConditionModel,
} from "latentkit";
import { randomCheckpoint, randomControlNet15 } from "./random-checkpoint.js";

const STRENGTH = 0.5;
const ROUNDS = 3;

/** Seconds by the clock, and of the processor. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
}

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "256" },
    steps: { type: "string", default: "6" },
    folder: { type: "string", default: join(tmpdir(), "latentkit-benchmarks") },
  },
});
const [side, steps] = [Number(values.size), Number(values.steps)];
const folder = await randomCheckpoint("sd15", join(values.folder, "sd15"), "fp32");
const control = await randomControlNet15(join(values.folder, "sd15-controlnet"));

// one UNet for all, with inputs for residuals
const unet = await UNet2DConditionModel.fromPretrained(`${folder}/unet`, { device: "cpu", residuals: true });
const controlnet = await ControlNetModel.fromPretrained(control, { device: "cpu" });
const pipe = await StableDiffusionPipeline.fromPretrained(folder, { device: "cpu", unet });
const img2img = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
const steered = StableDiffusionControlNetPipeline.fromPipe(pipe, { controlnet });

const image = new RgbaImage({ width: side, height: side, data: new Uint8Array(side * side * 4).fill(127) });
const run = { prompt: "a red apple", seed: 1, numInferenceSteps: steps };
const size = { width: side, height: side };
const random = torchRandom(1);
const context = await encodePrompt(pipe.components, ["a red apple"], { negativePrompts: [""] });
const told = [random.normal([2, 4, side / 8, side / 8]), 500, context] as const;
const picture = random.uniform([1, 3, side, side]);

const measured: Record<string, Cost>[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  const drawn = await generation((options) => pipe.generate({ ...run, ...size, ...options }));
  const redrawn = await generation((options) => img2img.generate({ ...run, image, strength: STRENGTH, ...options }));
  const controlled = await generation((options) =>
    steered.generate({ ...run, ...size, controlImage: image, ...options }),
  );
  measured.push({
    "text to image": drawn.whole,
    "a step of it": drawn.step,
    "image to image": redrawn.whole,
    "encoding a picture": await costOf(() => encodeImage(pipe.components.vae, image)),
    "a step with a ControlNet": controlled.step,
    "the ControlNet alone": await costOf(() => controlnet.predict(...told, picture)),
  });
}
const costs = best(measured.slice(1)); // the first round warms up

for (const [name, { wall, cpu }] of Object.entries(costs))
  console.log(`${name.padEnd(26)} ${wall.toFixed(2).padStart(7)} s, of the processor ${cpu.toFixed(2).padStart(7)} s`);
const [whole, step, redrawn, encoding, controlled, alone] = Object.values(costs) as [
  Cost,
  Cost,
  Cost,
  Cost,
  Cost,
  Cost,
];
const saved = steps - Math.floor(steps * STRENGTH);
for (const time of ["wall", "cpu"] as const) {
  const expected = whole[time] - saved * step[time] + encoding[time];
  const [share, more] = [redrawn[time] / expected, (controlled[time] - step[time]) / alone[time]];
  const by = time === "wall" ? "by the clock" : "of the processor's time";
  console.log(`image to image / its share of the steps and one encoding, ${by}: ${share.toFixed(2)}`);
  console.log(`what a ControlNet adds to a step / the ControlNet alone, ${by}: ${more.toFixed(2)}`);
}
await Promise.all([pipe.dispose(), unet.dispose(), controlnet.dispose()]);

/** What a whole run costs, and one step of it. */
async function generation(
  generate: (options: RunOptions) => Promise<GenerateResult>,
): Promise<{ whole: Cost; step: Cost }> {
  const steps: Cost[] = [];
  let clock = started();
  const onStep = () => {
    steps.push(clock());
    clock = started();
  };
  const whole = await costOf(() => generate({ onStep }));
  // what comes before the first step counts as its own
  return { whole, step: best(steps.slice(1).map((cost) => ({ step: cost }))).step! };
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const clock = started();
  await work();
  return clock();
}

/** A clock that tells what has been spent since. */
function started(): () => Cost {
  const [wall, before] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(before);
    return { wall: (performance.now() - wall) / 1000, cpu: (user + system) / 1e6 };
  };
}

/** The least of every cost: other work on the machine only adds. */
function best(rounds: readonly Readonly<Record<string, Cost>>[]): Record<string, Cost> {
  const least = (name: string, time: keyof Cost) => Math.min(...rounds.map((round) => round[name]![time]));
  const names = Object.keys(rounds[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, { wall: least(name, "wall"), cpu: least(name, "cpu") }]));
}
