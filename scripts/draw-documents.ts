// Draws the pictures of the documents with the embedded model.
// usage: npx tsx --conditions=@latentkit/source scripts/draw-documents.ts

import { type GenerateOptions, makeImageGrid, type RgbaImage, StableDiffusionPipeline } from "latentkit";
import sharp from "sharp";

const SETTINGS = { numInferenceSteps: 20, guidanceScale: 5 };

/** Subjects of the card, most of them everyday things; the first row is the README's picture. */
const SUBJECTS = [
  [
    "red apple on a yellow background",
    "panda",
    "automobile",
    "blue heart",
    "butterfly",
    "hamburger",
    "penguin",
    "volcano",
  ],
  ["red heart", "evergreen tree", "sun", "snowman", "house", "watermelon", "strawberry", "birthday cake"],
  [
    "cat face",
    "dog face",
    "lion",
    "fox",
    "octopus on a teal background",
    "frog on a pink background",
    "bee",
    "elephant",
  ],
  [
    "red apple",
    "cherries",
    "avocado",
    "banana",
    "doughnut",
    "ice cream",
    "slice of pizza on a black background",
    "beer mug",
  ],
  ["bicycle", "train", "sailboat", "airplane", "rocket", "rocket on a teal background", "guitar", "umbrella"],
  [
    "alien",
    "ghost",
    "robot",
    "skull",
    "astronaut",
    "jack-o-lantern on a purple background",
    "grinning face",
    "thumbs up",
  ],
  [
    "crown",
    "key",
    "light bulb",
    "glasses",
    "trophy",
    "soccer ball",
    "wrapped gift on a green background",
    "fire on a black background",
  ],
  [
    "rose",
    "cactus",
    "rainbow",
    "snowflake on a blue background",
    "mushroom",
    "turtle",
    "tropical fish",
    "hot beverage on an orange background",
  ],
];

/** Prompts, each with something to steer away from. */
const NEGATIVES = [
  ["red apple", "red"],
  ["red heart", "red"],
  ["cat face", "orange, yellow"],
  ["automobile", "red"],
  ["birthday cake", "pink"],
  ["butterfly", "blue"],
  ["frog on a green background", "green background"],
  ["rose", "leaf, stem"],
] as const;
const SCALES = [1, 2, 3, 5, 7.5, 10];

await using pipe = await StableDiffusionPipeline.fromPretrained();

async function row(prompt: readonly string[], options: Partial<GenerateOptions> = {}): Promise<readonly RgbaImage[]> {
  const { images } = await pipe.generate({ prompt, seed: prompt.map((_, i) => i), ...SETTINGS, ...options });
  return images;
}

/** With a palette, for a third of the size. */
async function saveSmall(image: RgbaImage, path: string): Promise<void> {
  await sharp(await image.toPng())
    .png({ palette: true, quality: 95, effort: 10 })
    .toFile(path);
}

const rows: RgbaImage[] = [];
for (const prompt of SUBJECTS) rows.push(...(await row(prompt)));
await makeImageGrid(rows.slice(0, 8)).save("docs/images/tiny-emoji.png");
await saveSmall(makeImageGrid(rows, 8), "docs/images/tiny-emoji-sheet.png");

const asked = NEGATIVES.map(([prompt]) => prompt);
const negativePrompt = NEGATIVES.map(([, negative]) => negative);
const pairs = [...(await row(asked)), ...(await row(asked, { negativePrompt }))];
await saveSmall(makeImageGrid(pairs, 8), "docs/images/tiny-emoji-negative.png");

const sweep: RgbaImage[] = [];
for (const guidanceScale of SCALES) sweep.push(...(await row(SUBJECTS[0] ?? [], { guidanceScale })));
await saveSmall(makeImageGrid(sweep, 8), "docs/images/tiny-emoji-guidance.png");
