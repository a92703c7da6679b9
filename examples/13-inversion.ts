// A picture taken back to the noise that makes it, and drawn again from there: as it was, and as something else.
//
//   npx tsx --conditions=@latentkit/source examples/13-inversion.ts [folder of a model]
//
// Without a folder it takes the embedded model. Writes out/13-inversion.png: the picture, what 5, 10 and 25 steps there and back
// restore, and what other prompts make of its noise.
import { mkdir } from "node:fs/promises";
import { DDIMInversionPipeline, makeImageGrid, type RgbaImage, StableDiffusionPipeline } from "latentkit";

const SUBJECTS = [
  { prompt: "red apple", seed: 42, others: ["green apple", "orange", "red heart"] },
  { prompt: "panda", seed: 5, others: ["bear", "koala", "pig face"] },
];

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const inversion = DDIMInversionPipeline.fromPipe(pipe);

const sheet: RgbaImage[] = [];
for (const { prompt, seed, others } of SUBJECTS) {
  const { images } = await pipe.generate({ prompt, seed, numInferenceSteps: 20, guidanceScale: 5 });
  const image = images[0]!;
  sheet.push(image);
  for (const numInferenceSteps of [5, 10, 25]) sheet.push(...(await restored({ prompt, image, numInferenceSteps })));
  for (const targetPrompt of others)
    sheet.push(...(await restored({ prompt, targetPrompt, image, numInferenceSteps: 25, guidanceScale: 4 })));
}

await mkdir("out", { recursive: true });
await makeImageGrid(sheet, 7).save("out/13-inversion.png");
await pipe.dispose();

async function restored(options: Parameters<typeof inversion.generate>[0]): Promise<readonly RgbaImage[]> {
  return (await inversion.generate(options)).images;
}
