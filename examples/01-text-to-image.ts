// A picture from a text.
//
//   npx tsx --conditions=@latentkit/source examples/01-text-to-image.ts [folder of a model]
//
// Without a folder it takes the embedded model. The picture is out/01-text-to-image.png.
import { mkdir } from "node:fs/promises";
import { StableDiffusionPipeline } from "latentkit";

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { images } = await pipe.generate({ prompt: "a red apple", numInferenceSteps: 20, seed: 42 });
await mkdir("out", { recursive: true });
await images[0]!.save("out/01-text-to-image.png");
await pipe.dispose();
