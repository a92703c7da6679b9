// Measures the embedded model by what latentkit draws with it: 20 steps, guidance 5, fixed seeds.
// usage: npm run evaluate -- RUN [PICTURES]   RUN is the folder that data.py wrote, PICTURES how many to draw of each kind
import { imageFromTensor, type RgbaImage, StableDiffusionPipeline, tensorFromImage, torchRandom } from "latentkit";
import { type BasePictures, type Entry, readBasePictures } from "./base-pictures.js";

/** As in data.py. */
const BACKGROUNDS: Readonly<Record<string, readonly [number, number, number]>> = {
  white: [255, 255, 255],
  red: [220, 50, 47],
  green: [60, 160, 70],
  blue: [50, 100, 220],
  yellow: [250, 215, 70],
  purple: [130, 70, 180],
  black: [40, 40, 42],
  orange: [245, 140, 40],
  pink: [250, 160, 190],
  teal: [70, 200, 205],
};
const COLOURS = Object.keys(BACKGROUNDS);
const BATCH = 20;

const [run, pictures = "200"] = process.argv.slice(2);
if (!run) throw new Error("usage: npm run evaluate -- RUN [PICTURES]");
const count = Number(pictures);
const base = await readBasePictures(run);
await using pipe = await StableDiffusionPipeline.fromPretrained();
const { vae } = pipe.components;

const report = {
  reconstruction: { pictures: base.catalog.length, psnr: await reconstruction(base) },
  labels: await labels(base, count),
  backgrounds: await backgrounds(base, count),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);

/** Peak signal-to-noise ratio in decibels of all emoji, encoded and decoded, each over the next background. */
async function reconstruction({ catalog, over }: BasePictures): Promise<number> {
  let squares = 0;
  let values = 0;
  for (const i of catalog.keys()) {
    const original = over(i, BACKGROUNDS[COLOURS[i % COLOURS.length] ?? ""] ?? []);
    const decoded = tensorFromImage(imageFromTensor(await vae.decode(await vae.encode(original))));
    squares += squaredDistance(original.data, decoded.data);
    values += original.size;
  }
  return -10 * Math.log10(squares / values / 2 ** 2);
}

/** Of pictures drawn from labels: how many of the nearest emoji in latents are the asked one, or share a keyword with it. */
async function labels({ catalog, over }: BasePictures, asked: number) {
  const known = [];
  for (const i of catalog.keys()) known.push((await vae.encode(over(i, [255, 255, 255]))).data);
  const picked = shuffled(catalog.length, 7).slice(0, asked);
  const drawn = await draw(picked.map((i) => catalog[i]?.label ?? ""));
  let exact = 0;
  let related = 0;
  for (const [k, wanted] of picked.entries()) {
    const latents = (await vae.encode(tensorFromImage(drawn[k]!))).data;
    const found = nearest(known.map((other) => squaredDistance(latents, other)));
    if (found === wanted) exact++;
    if (shareWord(catalog[found]!, catalog[wanted]!)) related++;
  }
  return { captions: asked, exact: exact / asked, labelOrSharedKeyword: related / asked };
}

/** How many pictures have the asked colour in their corners. */
async function backgrounds({ catalog }: BasePictures, asked: number) {
  const picked = shuffled(catalog.length, 8).slice(0, asked);
  const wanted = picked.map((_, k) => k % COLOURS.length);
  const article = (colour: string) => (colour === "orange" ? "an" : "a");
  const drawn = await draw(
    picked.map((i, k) => {
      const colour = COLOURS[wanted[k] ?? 0] ?? "";
      return `${catalog[i]?.label} on ${article(colour)} ${colour} background`;
    }),
  );
  const right = drawn.filter((image, k) => nearestColour(cornerColour(image)) === wanted[k]).length;
  return { captions: asked, right: right / asked };
}

/** One picture for each prompt; picture `i` has seed `i`. */
async function draw(prompts: readonly string[]): Promise<RgbaImage[]> {
  const drawn: RgbaImage[] = [];
  for (let from = 0; from < prompts.length; from += BATCH) {
    const prompt = prompts.slice(from, from + BATCH);
    const seed = prompt.map((_, i) => from + i);
    const { images } = await pipe.generate({ prompt, seed, numInferenceSteps: 20, guidanceScale: 5 });
    drawn.push(...images);
    process.stderr.write(`${drawn.length} of ${prompts.length} pictures\n`);
  }
  return drawn;
}

/** 0 to `length` − 1 in an order that the seed fixes. */
function shuffled(length: number, seed: number): number[] {
  const keys = torchRandom(seed).uniform([length]).data;
  return Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]!);
}

function shareWord(a: Entry, b: Entry): boolean {
  const words = new Set([a.label, ...a.keywords]);
  return [b.label, ...b.keywords].some((word) => words.has(word));
}

/** The median over the four corners of their mean colours, corners of 4×4 pixels. */
function cornerColour(image: RgbaImage): number[] {
  const { width, height, data } = image;
  const corners = [0, width - 4].flatMap((left) => [0, height - 4].map((top) => [left, top] as const));
  return [0, 1, 2].map((channel) => {
    const means = corners.map(([left, top]) => {
      let sum = 0;
      for (let i = 0; i < 16; i++) sum += data[4 * ((top + (i >> 2)) * width + left + (i & 3)) + channel]!;
      return sum / 16;
    });
    means.sort((a, b) => a - b);
    return (means[1]! + means[2]!) / 2;
  });
}

function nearestColour(colour: readonly number[]): number {
  return nearest(COLOURS.map((name) => squaredDistance(colour, BACKGROUNDS[name] ?? [])));
}

function nearest(distances: readonly number[]): number {
  return distances.indexOf(Math.min(...distances));
}

function squaredDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
