// A user's CommonJS module, with a backend from CommonJS too.
const { onnxruntimeNode } = require("@latentkit/runtime/node");
const { loadImage, StableDiffusionPipeline } = require("latentkit");

async function main() {
  const backend = await onnxruntimeNode({ device: "cpu" });
  const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2], { backend });
  const request = { prompt: "a red apple", width: 64, height: 48, numInferenceSteps: 2, seed: 1 };
  const { images } = await pipe.generate(request);
  await images[0].save("commonjs.png");
  await pipe.dispose();
  const { width, height } = await loadImage("commonjs.png");
  console.log(`${width}x${height}`);
}

main();
