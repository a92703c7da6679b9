// One prompt and one seed with several samplers, side by side.
//
//   npx tsx --conditions=@latentkit/source examples/03-schedulers.ts [folder of a model]
//
// Without a folder it takes the embedded model. Prints how long each took; the pictures are out/03-schedulers.png.
import { mkdir } from "node:fs/promises";
import {
  DDIMScheduler,
  DPMSolverMultistepScheduler,
  EulerAncestralDiscreteScheduler,
  EulerDiscreteScheduler,
  makeImageGrid,
  PNDMScheduler,
  type RgbaImage,
  StableDiffusionPipeline,
} from "latentkit";

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { config } = pipe.scheduler;
const samplers = {
  DDIM: DDIMScheduler.fromConfig(config),
  PNDM: PNDMScheduler.fromConfig(config),
  Euler: EulerDiscreteScheduler.fromConfig(config),
  "Euler ancestral": EulerAncestralDiscreteScheduler.fromConfig(config),
  "DPM++ 2M": DPMSolverMultistepScheduler.fromConfig(config),
  "DPM++ 2M Karras": DPMSolverMultistepScheduler.fromConfig({ ...config, use_karras_sigmas: true }),
};

const pictures: RgbaImage[] = [];
for (const [name, scheduler] of Object.entries(samplers)) {
  pipe.scheduler = scheduler;
  const start = performance.now();
  const { images } = await pipe.generate({ prompt: "a red apple", numInferenceSteps: 12, seed: 42 });
  console.log(`${name.padEnd(16)} ${((performance.now() - start) / 1000).toFixed(2)} s`);
  pictures.push(...images);
}

await mkdir("out", { recursive: true });
await makeImageGrid(pictures).save("out/03-schedulers.png");
await pipe.dispose();
