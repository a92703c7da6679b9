// A picture six times as wide as the model was trained for, whose ends meet: at every step the network sees it through
// overlapping windows, and what it says of a place is averaged (MultiDiffusion, Bar-Tal et al. 2023, eq. 5).
//
//   npx tsx --conditions=@latentkit/source examples/07-panorama.ts [folder of a model]
//
// Without a folder it takes the embedded model. The picture is out/07-panorama.png.
import { mkdir } from "node:fs/promises";
import {
  decodeLatents,
  denoise,
  encodePrompt,
  type Predictor,
  StableDiffusionPipeline,
  type Tensor,
  tensor,
  torchRandom,
} from "latentkit";

const PROMPT = "sunrise over mountains";
const WIDTH = 6; // in windows
const OVERLAP = 4; // how many windows see a place

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { unet, vae, scheduler } = pipe.components;
const side = unet.config.sampleSize ?? 64; // of a window, in latents
const random = torchRandom(2);

const context = await encodePrompt(pipe.components, [PROMPT], { negativePrompts: [""] });
const plan = scheduler.plan({ numInferenceSteps: 20 });
let state = plan.start(random.normal([1, vae.latentChannels, side, WIDTH * side]));
for await (state of denoise(windowed(unet), plan, state, context, { guidanceScale: 5, random }));
const [image] = await decodeLatents(vae, state.sample);

await mkdir("out", { recursive: true });
await image!.save("out/07-panorama.png");
await pipe.dispose();

/** A network for pictures of any width, made of one for square ones. Guidance and samplers need not know. */
function windowed(network: Predictor): Predictor {
  return {
    async predict(sample, ...told) {
      const mean = tensor(new Float32Array(sample.size), sample.shape);
      for (let left = 0; left < sample.shape[3]!; left += side / OVERLAP) {
        const places = placesOf(sample, left);
        const view = Float32Array.from(places, (place) => sample.data[place]!);
        const said = await network.predict(tensor(view, [...sample.shape.slice(0, 3), side]), ...told);
        for (const [i, place] of places.entries()) mean.data[place]! += said.data[i]! * weight(i % side);
      }
      return mean;
    },
  };
}

/** A window counts most in its middle, so that none of their ends shows; the weights of all at a place are 1. */
function weight(column: number): number {
  return (2 / OVERLAP) * (1 - Math.abs((2 * column + 1) / side - 1));
}

/** Where each value of a window lies in the whole; right of the last column comes the first. */
function placesOf({ shape, size }: Tensor, left: number): number[] {
  const width = shape[3]!;
  const count = (size / width) * side;
  return Array.from({ length: count }, (_, i) => Math.floor(i / side) * width + ((left + (i % side)) % width));
}
