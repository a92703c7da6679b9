// A prompt that changes on the way: the first steps lay the picture out, the last ones finish it as something else.
//
//   npx tsx --conditions=@latentkit/source examples/06-prompt-schedule.ts [folder of a model]
//
// Without a folder it takes the embedded model. The pictures are out/06-prompt-schedule.png: from left to right the
// change comes earlier, so that there is less and less of the first prompt.
import { mkdir } from "node:fs/promises";
import {
  decodeLatents,
  encodePrompt,
  guided,
  makeImageGrid,
  type Prediction,
  type RgbaImage,
  reverseProcess,
  StableDiffusionPipeline,
  torchRandom,
} from "latentkit";

const FIRST = "grinning face";
const THEN = "alien";
const STEPS = 20;
const CHANGES = [1, 0.7, 0.6, 0.5, 0.45, 0.4, 0.3, 0]; // shares of the steps that are done

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { unet, vae, scheduler } = pipe.components;
const side = unet.config.sampleSize ?? 64;
const plan = scheduler.plan({ numInferenceSteps: STEPS });
const [first, then] = await Promise.all(
  [FIRST, THEN].map((prompt) => encodePrompt(pipe.components, [prompt], { negativePrompts: [""] })),
);

/** What the network is told is chosen anew at every step. */
async function draw(change: number): Promise<RgbaImage[]> {
  const random = torchRandom(4);
  const predict: Prediction = (input, timestep, { index }) => {
    const context = index < change * plan.timesteps.length ? first! : then!;
    return guided(unet, input, timestep, context, 5);
  };
  let state = plan.start(random.normal([1, vae.latentChannels, side, side]));
  for await (state of reverseProcess(plan, state, predict, { random }));
  return decodeLatents(vae, state.sample);
}

const pictures: RgbaImage[] = [];
for (const change of CHANGES) pictures.push(...(await draw(change)));
await mkdir("out", { recursive: true });
await makeImageGrid(pictures).save("out/06-prompt-schedule.png");
await pipe.dispose();
