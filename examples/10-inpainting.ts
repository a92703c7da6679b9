// Something taken out of a picture, something put in its place, and half a picture made whole.
//
//   npx tsx --conditions=@latentkit/source examples/10-inpainting.ts [folder of a model]
//
// Without a folder it takes the embedded model. Writes out/10-inpainting.png: the picture, its mask, and what was painted;
// and out/10-outpainting.png: on the left what each row begins from.
import { mkdir } from "node:fs/promises";
import {
  cropImage,
  makeImageGrid,
  RgbaImage,
  StableDiffusionInpaintPipeline,
  StableDiffusionPipeline,
} from "latentkit";

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const inpaint = StableDiffusionInpaintPipeline.fromPipe(pipe);
const side = (pipe.components.unet.config.sampleSize ?? 64) * pipe.components.vae.scaleFactor;
const settings = { numInferenceSteps: 20, guidanceScale: 5 };

// a red disc that does not belong on a picture
const { images } = await pipe.generate({ prompt: "sunrise over mountains", seed: 2, ...settings });
const disc = (x: number, y: number) => Math.hypot(x - 0.5 * side, y - 0.55 * side) / side;
const image = painted(images[0]!, (x, y) => (disc(x, y) < 0.16 ? [220, 20, 30] : undefined));
// white where to paint, some pixels beyond the disc: its edges are blurred in latents
const maskImage = painted(image, (x, y) => (disc(x, y) < 0.26 ? [255, 255, 255] : [0, 0, 0]));
const row = [image, maskImage];
for (const prompt of ["sunrise over mountains", "mountain", "sun", "yellow star", "lemon", "cat face"]) {
  const how = { prompt, negativePrompt: prompt.includes("red") ? "" : "red", seed: 5, ...settings };
  row.push(...(await inpaint.generate({ image, maskImage, overlay: true, ...how })).images);
}

// half of a picture on a canvas that is transparent where there is nothing yet: that is the mask
const halves: RgbaImage[] = [];
for (const [prompt, seed] of Object.entries({ panda: 5, "red heart on a yellow background": 8, "soccer ball": 3 })) {
  const whole = await pipe.generate({ prompt, seed, ...settings });
  const half = cropImage(whole.images[0]!, { left: 0, top: 0, width: side / 2, height: side });
  const canvas = cropImage(half, { left: 0, top: 0, width: side, height: side });
  halves.push(canvas);
  for (const again of [1, 2, 3]) {
    const how = { prompt, seed: again, ...settings };
    halves.push(...(await inpaint.generate({ image: canvas, overlay: true, ...how })).images);
  }
}

await mkdir("out", { recursive: true });
await makeImageGrid(row).save("out/10-inpainting.png");
await makeImageGrid(halves, 4).save("out/10-outpainting.png");
await pipe.dispose();

/** A picture with some of its pixels in other colours. */
function painted(
  { width, height, data }: RgbaImage,
  colourAt: (x: number, y: number) => readonly number[] | undefined,
) {
  const pixels = Uint8Array.from(data);
  for (let i = 0; i < width * height; i++) {
    const colour = colourAt(i % width, Math.floor(i / width));
    if (colour) pixels.set(colour, 4 * i);
  }
  return new RgbaImage({ width, height, data: pixels });
}
