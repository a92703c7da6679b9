// Measures the embedded model by what latentkit draws with it: 20 steps, guidance 5, fixed seeds.
// usage: npm run evaluate -- RUN [PICTURES]   RUN is the folder that data.py wrote, PICTURES how many to draw of each kind
import { imageFromTensor, type RgbaImage, StableDiffusionPipeline, tensorFromImage } from "latentkit";
import { type BasePictures, readBasePictures } from "./base-pictures.js";
import { labelJudge, type Verdict } from "./label-judge.js";
import { nearest, squaredDistance } from "./nearest.js";
import { shuffled } from "./shuffled.js";

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

/** Pictures drawn from labels, judged by the nearest emoji. */
async function labels(base: BasePictures, asked: number) {
  const picked = shuffled(base.catalog.length, 7).slice(0, asked);
  const drawn = await draw(picked.map((i) => base.catalog[i]?.label ?? ""));
  const judge = await labelJudge(base, vae);
  const judged: Verdict[] = [];
  for (const [k, wanted] of picked.entries()) judged.push(await judge(drawn[k]!, wanted));
  const share = (key: "exact" | "related") => judged.filter((verdict) => verdict[key]).length / asked;
  return { captions: asked, exact: share("exact"), labelOrSharedKeyword: share("related") };
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
