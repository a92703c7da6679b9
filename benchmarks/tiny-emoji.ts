// Seconds that the embedded model takes: opening it, and one picture of 20 guided steps. Each figure is a median with its range.
// usage: npm run benchmark:tiny-emoji
import { StableDiffusionPipeline } from "latentkit";
import { spread } from "./spread.js";

const ROUNDS = 9;

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const begin = performance.now();
  const result = await work();
  return [(performance.now() - begin) / 1000, result];
}

function row(what: string, seconds: readonly number[], limit: string): void {
  const { least, median, most } = spread(seconds);
  console.log(`${what.padEnd(36)} ${median.toFixed(2)} s (${least.toFixed(2)} to ${most.toFixed(2)})   ${limit}`);
}

const opening: number[] = [];
const drawing: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const [open, pipe] = await timed(() => StableDiffusionPipeline.fromPretrained(undefined, { device: "cpu" }));
  const options = { prompt: "a red apple", seed: round, numInferenceSteps: 20, guidanceScale: 5 };
  await pipe.generate({ ...options, numInferenceSteps: 1 });
  const [draw] = await timed(() => pipe.generate(options));
  await pipe.dispose();
  opening.push(open);
  drawing.push(draw);
}
row("open the embedded model", opening, "");
row("one picture, 20 steps, guidance 5", drawing, "under 3 s on two cores");
