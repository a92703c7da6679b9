// The picture of 01-text-to-image.ts, pixel by pixel, from the parts that the pipeline is made of.
//
//   npx tsx --conditions=@latentkit/source examples/02-from-parts.ts [folder of a model]
//
// Without a folder it takes the embedded model. The picture is out/02-from-parts.png.
import { mkdir } from "node:fs/promises";
import {
  AutoencoderKL,
  CLIPTextEncoder,
  CLIPTokenizer,
  guided,
  imageFromTensor,
  openSource,
  readJson,
  schedulerFromConfig,
  stableDiffusionConfig,
  torchRandom,
  UNet2DConditionModel,
} from "latentkit";

const model = await openSource(process.argv[2]);
const tokenizer = await CLIPTokenizer.fromPretrained(model, { subfolder: "tokenizer" });
const textEncoder = await CLIPTextEncoder.fromPretrained(model, { subfolder: "text_encoder" });
const unet = await UNet2DConditionModel.fromPretrained(model, { subfolder: "unet" });
const vae = await AutoencoderKL.fromPretrained(model, { subfolder: "vae" });
const scheduler = schedulerFromConfig(stableDiffusionConfig(await readJson(model, "scheduler/scheduler_config.json")));

const random = torchRandom(42);
const side = unet.config.sampleSize ?? 64; // 64 latents are 512 pixels

const ids = tokenizer.encode(["", "a red apple"]); // [2, 77], the negative prompt first
const context = await textEncoder.encode(ids); // [2, 77, width]
const plan = scheduler.plan({ numInferenceSteps: 20 });
let state = plan.start(random.normal([1, vae.latentChannels, side, side]));
for (const timestep of plan.timesteps) {
  const noise = await guided(unet, plan.scaleModelInput(state), timestep, context, 7.5);
  state = plan.step(state, noise, random);
}
const [image] = imageFromTensor(await vae.decode(state.sample)); // [1, 3, height, width] in [-1, 1] to pixels

await mkdir("out", { recursive: true });
await image!.save("out/02-from-parts.png");
await Promise.all([textEncoder, unet, vae].map((part) => part.dispose()));
