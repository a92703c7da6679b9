// Draws the pictures of the documents with the embedded model.
// usage: npx tsx --conditions=@latentkit/source scripts/draw-documents.ts
import { RgbaImage, StableDiffusionPipeline } from "latentkit";

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

/** Pictures of one size side by side, row by row. */
function sheet(rows: readonly (readonly RgbaImage[])[]): RgbaImage {
  const { width, height } = rows[0]?.[0] ?? { width: 0, height: 0 };
  const columns = rows[0]?.length ?? 0;
  const data = new Uint8ClampedArray(rows.length * height * columns * width * 4);
  rows.forEach((row, y) => {
    row.forEach((image, x) => {
      for (let line = 0; line < height; line++) {
        const at = ((y * height + line) * columns + x) * width * 4;
        data.set(image.data.subarray(line * width * 4, (line + 1) * width * 4), at);
      }
    });
  });
  return new RgbaImage({ width: columns * width, height: rows.length * height, data });
}

await using pipe = await StableDiffusionPipeline.fromPretrained();
const rows: RgbaImage[][] = [];
for (const prompt of SUBJECTS) {
  const { images } = await pipe.generate({ prompt, seed: prompt.map((_, i) => i), ...SETTINGS });
  rows.push([...images]);
}
await sheet(rows.slice(0, 1)).save("docs/images/tiny-emoji.png");
await sheet(rows).save("docs/images/tiny-emoji-sheet.png");
