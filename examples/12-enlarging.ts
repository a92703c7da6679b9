// Three ways to a larger picture: drawn at once, in two passes (hiresFix), and a finished one enlarged and drawn over.
//
//   npx tsx --conditions=@latentkit/source examples/12-enlarging.ts [folder of a model]
//
// Without a folder it takes the embedded model. Writes out/12-enlarging.png: from left to right resized, at once, hiresFix, and
// img2img of the resized one, all of twice the side that the model was trained on.
import { mkdir } from "node:fs/promises";
import {
  makeImageGrid,
  type RgbaImage,
  resizeImage,
  StableDiffusionImg2ImgPipeline,
  StableDiffusionPipeline,
} from "latentkit";

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const img2img = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
const settings = { numInferenceSteps: 20, guidanceScale: 5 };

const sheet: RgbaImage[] = [];
for (const [prompt, seed] of Object.entries({ panda: 5, "red apple": 42 })) {
  const small = (await pipe.generate({ prompt, seed, ...settings })).images[0]!;
  const [width, height] = [2 * small.width, 2 * small.height];
  const resized = resizeImage(small, { width, height });
  const [atOnce, twice, redrawn] = [
    await pipe.generate({ prompt, seed, width, height, ...settings }),
    await pipe.generate({ prompt, seed, hiresFix: { scale: 2, strength: 0.35, method: "image" }, ...settings }),
    await img2img.generate({ prompt, seed, image: resized, strength: 0.2, ...settings }),
  ];
  sheet.push(resized, ...[atOnce, twice, redrawn].map((result) => result.images[0]!));
}

await mkdir("out", { recursive: true });
await makeImageGrid(sheet, 4).save("out/12-enlarging.png");
await pipe.dispose();
