// Seconds that the embedded model takes: opening it, and one picture of 20 guided steps. Each figure is a median with its range.
// usage: npm run benchmark:tiny-emoji
import { StableDiffusionPipeline } from "latentkit";

const ROUNDS = 9;

async function timed<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const begin = performance.now();
  const result = await work();
  return [(performance.now() - begin) / 1000, result];
}

function row(what: string, seconds: readonly number[], limit: string): void {
  const [least, median, most] = [0, 0.5, 1].map((share) => {
    const sorted = seconds.toSorted((a, b) => a - b);
    return (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(2);
  });
  console.log(`${what.padEnd(36)} ${median} s (${least} to ${most})   ${limit}`);
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
