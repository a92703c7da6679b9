// A user's ES module.
import { loadImage, StableDiffusionPipeline } from "latentkit";

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { images } = await pipe.generate({ prompt: "a red apple", width: 64, height: 48, numInferenceSteps: 2, seed: 1 });
await images[0].save("module.png");
await pipe.dispose();
const { width, height } = await loadImage("module.png");
console.log(`${width}x${height}`);
