// A picture book: a language model tells a story, and every page is illustrated with the same character.
//
//   npx tsx --conditions=@latentkit/source examples/08-storybook.ts [folder of a model]
//
// Without a folder it takes the embedded model. Prints the story; the pages are out/08-storybook.png.
import { mkdir } from "node:fs/promises";
import { makeImageGrid, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline, torchRandom } from "latentkit";

/** What tells the story: any function from a page's number to what is to be seen there, also one that asks a model. */
type Storyteller = (page: number) => string | Promise<string>;

const PAGES = 8;
const SEED = 1;
const tell: Storyteller = markovChain(3);

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const redraw = StableDiffusionImg2ImgPipeline.fromPipe(pipe);
const settings = { numInferenceSteps: 20, guidanceScale: 5, seed: SEED };

// page 0 shows who it is about; the others begin from its latents, under the noise that it was drawn from
const cover = await pipe.generate({ prompt: await tell(0), ...settings });
const book = [...cover.images];
for (let page = 1; page < PAGES; page++) {
  const prompt = await tell(page);
  console.log(`${page}. ${prompt}`);
  const { images } = await redraw.generate({ prompt, image: cover.latents, strength: 0.7, ...settings });
  book.push(...images);
}

await mkdir("out", { recursive: true });
await makeImageGrid(book, 4).save("out/08-storybook.png");
await pipe.dispose();

/** The smallest of language models: what happens next depends on what is, and on chance. One seed tells one story. */
function markovChain(seed: number): Storyteller {
  const next: Readonly<Record<string, readonly string[]>> = {
    "grinning face": ["hot face on an orange background", "thinking face on a purple background"],
    "hot face on an orange background": ["angry face on a red background", "crying face on a blue background"],
    "thinking face on a purple background": ["fearful face on a purple background", "angry face on a red background"],
    "fearful face on a purple background": ["cold face on a teal background", "crying face on a blue background"],
    "angry face on a red background": ["crying face on a blue background", "sleeping face on a black background"],
    "crying face on a blue background": ["cold face on a teal background", "sleeping face on a black background"],
    "cold face on a teal background": ["sleeping face on a black background", "hot face on an orange background"],
    "sleeping face on a black background": ["grinning face on a green background"],
    "grinning face on a green background": ["hot face on an orange background", "thinking face on a purple background"],
  };
  return (page) => {
    const random = torchRandom(seed);
    let scene = "grinning face";
    for (let turned = 0; turned < page; turned++) {
      const choices = next[scene]!;
      scene = choices[Math.floor(random.uniform([1]).data[0]! * choices.length)]!;
    }
    return scene;
  };
}
