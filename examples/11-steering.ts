// What steers: the preprocessors that ControlNets are told with, and a sketch that steers without a ControlNet.
//
//   npx tsx --conditions=@latentkit/source examples/11-steering.ts [folder of a model]
//
// Without a folder it takes the embedded model. Writes out/11-preprocessors.png, a picture and what canny, scribble, tile,
// depth and grey make of it, and out/11-sketches.png, each row a sketch and what was drawn after it.
import { mkdir } from "node:fs/promises";
import {
  canny,
  decodeLatents,
  denoise,
  depth,
  encodeImage,
  encodePrompt,
  grey,
  intercept,
  makeImageGrid,
  RgbaImage,
  resizeLatents,
  StableDiffusionPipeline,
  scribble,
  type Tensor,
  tile,
  torchRandom,
  weightedSum,
} from "latentkit";

type Colour = readonly [red: number, green: number, blue: number];

const STEPS = 20;
const COARSE = 4; // latents to a cell of the sketch
const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { unet, vae, scheduler } = pipe.components;
const side = unet.config.sampleSize ?? 64;

const { images } = await pipe.generate({ prompt: "panda", seed: 5, numInferenceSteps: STEPS, guidanceScale: 5 });
const photo = images[0]!;
const steering = [canny(photo), scribble(photo), tile(photo, { factor: 4 }), depth(photo), grey(photo)];

const sheet: RgbaImage[] = [];
for (const { sketch, prompts } of [
  { sketch: disc([200, 40, 40], [250, 220, 60]), prompts: ["red apple on a yellow background", "angry face", "rose"] },
  { sketch: disc([60, 120, 220], [250, 250, 250]), prompts: ["cold face", "blue heart", "globe"] },
]) {
  sheet.push(sketch);
  for (const prompt of prompts) sheet.push(...(await drawnAfter(sketch, prompt)));
}

await mkdir("out", { recursive: true });
await makeImageGrid([photo, ...steering]).save("out/11-preprocessors.png");
await makeImageGrid(sheet, 4).save("out/11-sketches.png");
await pipe.dispose();

/** In the first half of the steps, the coarse part of the latents is the sketch's, as noisy as they are (Choi et al. 2021, eq. 8). */
async function drawnAfter(sketch: RgbaImage, prompt: string): Promise<RgbaImage[]> {
  const random = torchRandom(1);
  const context = await encodePrompt(pipe.components, [prompt], { negativePrompts: [""] });
  const plan = scheduler.plan({ numInferenceSteps: STEPS });
  const wanted = await encodeImage(vae, sketch);
  const noise = random.normal(wanted.shape);
  let state = plan.start(noise);
  const run = denoise(unet, plan, state, context, { guidanceScale: 5, random });
  const steered = intercept(run, (next) => {
    if (next.index > STEPS / 2) return next;
    const noisy = plan.addNoise(wanted, noise, next.index);
    return {
      ...next,
      sample: weightedSum([
        [1, next.sample],
        [-1, coarse(next.sample)],
        [1, coarse(noisy)],
      ]),
    };
  });
  for await (state of steered);
  return decodeLatents(vae, state.sample);
}

/** Latents without what is finer than a cell. */
function coarse(latents: Tensor): Tensor {
  const [, , height = 0, width = 0] = latents.shape;
  const small = resizeLatents(latents, { height: height / COARSE, width: width / COARSE }, "bilinear");
  return resizeLatents(small, { height, width }, "bilinear");
}

/** A disc before a background. */
function disc(inside: Colour, outside: Colour): RgbaImage {
  const size = side * vae.scaleFactor;
  const colours = Array.from({ length: size * size }, (_, i) => {
    const distance = Math.hypot((i % size) - size / 2, Math.floor(i / size) - size / 2);
    return [...(distance < 0.38 * size ? inside : outside), 255];
  });
  return new RgbaImage({ width: size, height: size, data: Uint8Array.from(colours.flat()) });
}
