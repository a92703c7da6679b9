// A picture made into another one, by strengths: how many of the steps are made, and so how much of the picture is left.
//
//   npx tsx --conditions=@latentkit/source examples/09-image-to-image.ts [folder of a model]
//
// Without a folder it takes the embedded model. Writes out/09-image-to-image.png: on the left what each row begins from.
import { mkdir } from "node:fs/promises";
import { makeImageGrid, type RgbaImage, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline } from "latentkit";

const CHANGES = [
  { from: "red apple", to: "green apple", seed: 42 },
  { from: "grinning face", to: "angry face on a red background", seed: 4 },
  { from: "cat face", to: "fox face", seed: 3 },
];
const STRENGTHS = [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const img2img = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
const settings = { numInferenceSteps: 20, guidanceScale: 5 };

const sheet: RgbaImage[] = [];
for (const { from, to, seed } of CHANGES) {
  const { images, latents } = await pipe.generate({ prompt: from, seed, ...settings });
  sheet.push(...images);
  for (const strength of STRENGTHS) {
    const redrawn = await img2img.generate({ prompt: to, image: latents, strength, seed: 1, ...settings });
    sheet.push(...redrawn.images);
  }
}

await mkdir("out", { recursive: true });
await makeImageGrid(sheet, 1 + STRENGTHS.length).save("out/09-image-to-image.png");
await pipe.dispose();
