// What shortcuts save and lose, on the embedded model: the time of a picture as a share of the plain run's, in turn with it,
// on the clock and of the processor, which other work on the machine disturbs less; and how close the picture stays to the
// plain one (PSNR in decibels: mean and least of the prompts). With the training data, also how many pictures drawn from
// labels are nearest to an emoji of that label or of one of its keywords.
// usage: npm run benchmark:quality -- [--steps 20] [--rounds 3] [--threads 1] [--only deepCache] [--run FOLDER] [--labels 100]
// FOLDER is what packages/tiny-emoji/training/data.py wrote.
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { type GenerateOptions, interval, type RgbaImage, StableDiffusionPipeline } from "latentkit";
import { readBasePictures } from "../packages/tiny-emoji/training/base-pictures.js";
import { labelJudge } from "../packages/tiny-emoji/training/label-judge.js";
import { shuffled } from "../packages/tiny-emoji/training/shuffled.js";

const PROMPTS = [
  "a red apple",
  "a grinning face",
  "a cat on a blue background",
  "a rocket",
  "a green tree on a yellow background",
  "a house",
  "a slice of pizza on a pink background",
  "a musical note",
];
const SCALE = 5;

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "20" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    run: { type: "string" },
    labels: { type: "string", default: "100" },
  },
});
const [numInferenceSteps, rounds] = [Number(values.steps), Number(values.rounds)];

type Settings = Partial<GenerateOptions>;

const shortcuts: Readonly<Record<string, Settings>> = {
  "fewer steps: ¾": { numInferenceSteps: Math.ceil(0.75 * numInferenceSteps) },
  "fewer steps: ½": { numInferenceSteps: Math.ceil(0.5 * numInferenceSteps) },
  "interval(5, 0, 0.9)": { guidance: interval(SCALE, 0, 0.9) },
  "interval(5, 0, 0.8)": { guidance: interval(SCALE, 0, 0.8) },
  "interval(5, 0.1, 0.93)": { guidance: interval(SCALE, 0.1, 0.93) },
  "deepCache { interval: 2 }": { deepCache: { interval: 2 } },
  "deepCache { interval: 2, branch: 1 }": { deepCache: { interval: 2, branch: 1 } },
  "deepCache { interval: 3 }": { deepCache: { interval: 3 } },
  "deepCache { interval: 3, branch: 1 }": { deepCache: { interval: 3, branch: 1 } },
  "deepCache { interval: 5 }": { deepCache: { interval: 5 } },
  'quality: "draft"': { quality: "draft" },
};

const backend = await onnxruntimeNode({ device: "cpu", threads: Number(values.threads) });
const pipe = await StableDiffusionPipeline.fromPretrained(undefined, { backend });
console.log(
  `the embedded model, ${numInferenceSteps} steps, guidance ${SCALE}, ${PROMPTS.length} prompts, ${values.threads} thread(s) of ${cpus()[0]?.model.trim()}`,
);
const scoreOf = values.run === undefined ? undefined : await labelScore(values.run, Number(values.labels));
const columns = ["", "time", "processor time", "faster", "PSNR mean", "PSNR least", ...(scoreOf ? ["labels"] : [])];
console.log(`| ${columns.join(" | ")} |\n|${"---|".repeat(columns.length)}`);
if (scoreOf) console.log(`| plain | 1.00 | 1.00 | 1.00× | | | ${percent(await scoreOf(pipe, {}))} |`);
const names = Object.keys(shortcuts).filter((name) => name.includes(values.only));
for (const name of names) await print(name, pipe, shortcuts[name] ?? {});
if ("tokenMerging".includes(values.only)) await compareMerging();
if ("batch".includes(values.only)) await compareThroughput();
await pipe.dispose();

/** Seconds. */
interface Time {
  readonly clock: number;
  readonly processor: number;
}

interface Comparison {
  /** Shares of the plain run's. */
  readonly ratio: Time;
  readonly psnr: readonly number[];
}

/** Each prompt plain and with the shortcut, in turn. Other work on the machine disturbs the fastest round least. */
async function compare(
  plain: StableDiffusionPipeline,
  other: StableDiffusionPipeline,
  settings: Settings,
): Promise<Comparison> {
  const psnr: number[] = [];
  const [before, after]: [Time[], Time[]] = [[], []];
  await draw(plain, PROMPTS[0] ?? "", 0, {});
  await draw(other, PROMPTS[0] ?? "", 0, settings);
  for (const [i, prompt] of PROMPTS.entries()) {
    const references = [];
    const drawn = [];
    for (let round = 0; round < rounds; round++) {
      references.push(await draw(plain, prompt, i, {}));
      drawn.push(await draw(other, prompt, i, settings));
    }
    psnr.push(likeness(drawn[0]!.image, references[0]!.image));
    before.push(fastest(references.map(({ time }) => time)));
    after.push(fastest(drawn.map(({ time }) => time)));
  }
  const share = (key: keyof Time) => total(after, key) / total(before, key);
  return { ratio: { clock: share("clock"), processor: share("processor") }, psnr };
}

function fastest(times: readonly Time[]): Time {
  return {
    clock: Math.min(...times.map(({ clock }) => clock)),
    processor: Math.min(...times.map(({ processor }) => processor)),
  };
}

function total(times: readonly Time[], key: keyof Time): number {
  return times.reduce((sum, time) => sum + time[key], 0);
}

async function draw(on: StableDiffusionPipeline, prompt: string, seed: number, settings: Settings) {
  const steps = "quality" in settings ? {} : { numInferenceSteps };
  const scale = "guidance" in settings ? {} : { guidanceScale: SCALE };
  const begin = performance.now();
  const used = process.cpuUsage();
  const { images } = await on.generate({ prompt, seed, ...steps, ...scale, ...settings });
  const { user, system } = process.cpuUsage(used);
  const time: Time = { clock: (performance.now() - begin) / 1000, processor: (user + system) / 1e6 };
  return { image: images[0]!, time };
}

function likeness(a: RgbaImage, b: RgbaImage): number {
  const squares = a.data.reduce((sum, value, i) => sum + (value - (b.data[i] ?? 0)) ** 2, 0);
  // a quarter of the values is the alpha, which is the same
  return -10 * Math.log10(squares / (0.75 * a.data.length) / 255 ** 2);
}

async function print(name: string, other: StableDiffusionPipeline, settings: Settings): Promise<void> {
  const { ratio, psnr } = await compare(pipe, other, settings);
  const mean = psnr.reduce((sum, value) => sum + value, 0) / psnr.length;
  const times = [ratio.clock, ratio.processor].map((share) => share.toFixed(2));
  const decibels = [mean, Math.min(...psnr)].map((value) => value.toFixed(1));
  const score = scoreOf ? [percent(await scoreOf(other, settings))] : [];
  console.log(`| ${[name, ...times, `${(1 / ratio.processor).toFixed(2)}×`, ...decibels, ...score].join(" | ")} |`);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

/** Tells of how many pictures drawn from labels the nearest emoji has that label or one of its keywords. */
async function labelScore(run: string, count: number) {
  const base = await readBasePictures(run);
  const judge = await labelJudge(base, pipe.components.vae);
  const picked = shuffled(base.catalog.length, 7).slice(0, count);
  return async (on: StableDiffusionPipeline, settings: Settings): Promise<number> => {
    let related = 0;
    for (const [seed, wanted] of picked.entries()) {
      const { image } = await draw(on, base.catalog[wanted]?.label ?? "", seed, settings);
      if ((await judge(image, wanted)).related) related++;
    }
    return related / picked.length;
  };
}

/** Token merging is chosen when the network is opened; the embedded model attends at half its resolution and less. */
async function compareMerging(): Promise<void> {
  for (const ratio of [0.25, 0.5]) {
    const tokenMerging = { ratio, maxDownsample: 2 };
    const merged = await StableDiffusionPipeline.fromPretrained(undefined, { backend, tokenMerging });
    await print(`tokenMerging ${JSON.stringify(tokenMerging)}`, merged, {});
    await merged.dispose();
  }
}

/** The same prompts one by one, as a batch, and several at a time through the network. */
async function compareThroughput(): Promise<void> {
  console.log("\n| | pictures per second | of one by one |\n|---|---|---|");
  const options = { numInferenceSteps, guidanceScale: SCALE, seed: 1 };
  const ways: Record<string, () => Promise<void>> = {
    "one by one": async () => {
      for (const prompt of PROMPTS) await pipe.generate({ ...options, prompt });
    },
    ...Object.fromEntries(
      [1, 2, 4].map((batchSize) => [
        `batch, batchSize ${batchSize}`,
        async () => {
          for await (const _ of pipe.batch(PROMPTS, { ...options, batchSize }));
        },
      ]),
    ),
  };
  const best = new Map<string, number>();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const begin = performance.now();
      await way();
      best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, (performance.now() - begin) / 1000));
    }
  }
  const alone = best.get("one by one") ?? Number.NaN;
  for (const [name, seconds] of best)
    console.log(`| ${name} | ${(PROMPTS.length / seconds).toFixed(2)} | ${(alone / seconds).toFixed(2)} |`);
}
