// From one prompt and seed to another in even steps, as a strip of pictures.
//
//   npx tsx --conditions=@latentkit/source examples/05-interpolation.ts [folder of a model]
//
// Without a folder it takes the embedded model. The strip is out/05-interpolation.png.
import { mkdir } from "node:fs/promises";
import {
  encodePrompt,
  makeImageGrid,
  type RgbaImage,
  StableDiffusionPipeline,
  slerp,
  torchRandom,
  weightedSum,
} from "latentkit";

const FROM = { prompt: "panda", seed: 5 };
const TO = { prompt: "red heart on a yellow background", seed: 8 };
const PICTURES = 8;

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { unet, vae } = pipe.components;
const side = unet.config.sampleSize ?? 64;
const ends = await Promise.all(
  [FROM, TO].map(async ({ prompt, seed }) => ({
    embeds: await encodePrompt(pipe.components, [prompt]), // [1, 77, width]
    noise: torchRandom(seed).normal([1, vae.latentChannels, side, side]),
  })),
);

const strip: RgbaImage[] = [];
for (let i = 0; i < PICTURES; i++) {
  const t = i / (PICTURES - 1);
  const [from, to] = [ends[0]!, ends[1]!];
  const { images } = await pipe.generate({
    promptEmbeds: weightedSum([
      [1 - t, from.embeds],
      [t, to.embeds],
    ]),
    latents: slerp(from.noise, to.noise, t), // a mean of two noises would be too weak to be noise
    numInferenceSteps: 20,
    guidanceScale: 5,
  });
  strip.push(...images);
}

await mkdir("out", { recursive: true });
await makeImageGrid(strip).save("out/05-interpolation.png");
await pipe.dispose();
