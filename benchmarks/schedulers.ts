// One step of every sampler against one pass over the memory it must touch: each tensor read once, each new one made and
// written once. States are values, so a step makes its tensors anew; of large ones that is most of the time.
// usage: npm run benchmark:schedulers
import {
  type RandomSource,
  type SamplerState,
  type Scheduler,
  schedulerClasses,
  type Tensor,
  torchRandom,
} from "latentkit";

const SHAPES = [
  [1, 4, 64, 64],
  [8, 4, 128, 128],
];
const STEPS = 12;
/** Enough for every method to have its history. */
const VISITED = 6;
const ROUNDS = 31;

/** Milliseconds. */
function time(work: () => unknown): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

/** Noise that was drawn before: drawing is not part of a step's arithmetic. */
function drawnNoise(shape: readonly number[]): RandomSource {
  const noise = torchRandom(3).normal([...shape]);
  return { ...torchRandom(3), normal: () => noise };
}

function tensorsOf({ sample, predOriginalSample, history, base, partial }: SamplerState): Set<Tensor> {
  return new Set([sample, predOriginalSample, ...history, base, partial].filter((tensor) => tensor !== undefined));
}

/** Reads every input once, makes and writes every output once. */
function pass(inputs: readonly Float32Array[], sizes: readonly number[]): void {
  sizes.forEach((size, i) => {
    const output = new Float32Array(size);
    const [a, b] = [inputs[(2 * i) % inputs.length]!, inputs[(2 * i + 1) % inputs.length]!];
    for (let k = 0; k < output.length; k++) output[k] = a[k]! + b[k]!;
  });
}

interface Figures {
  readonly step: number;
  readonly pass: number;
}

/** The slowest step of a run, each step's time being the least of several: whatever else runs only adds to it. */
function measure(scheduler: Scheduler, shape: readonly number[]): Figures {
  const plan = scheduler.plan({ numInferenceSteps: STEPS, ...(needsMu(scheduler) && { mu: 1 }) });
  const [output, random] = [torchRandom(2).normal([...shape]), drawnNoise(shape)];
  let state = plan.start(torchRandom(1).normal([...shape]));
  let slowest: Figures = { step: 0, pass: 1 };
  for (let at = 0; at < Math.min(plan.timesteps.length, VISITED); at++) {
    const before = state;
    const next = plan.step(before, output, random);
    const inputs = [output, ...tensorsOf(before)].map((tensor) => tensor.data);
    const outputs = [...tensorsOf(next)].filter((tensor) => !tensorsOf(before).has(tensor) && tensor !== output);
    const sizes = outputs.map(({ size }) => size);
    const rounds = time(() => plan.step(before, output, random)) > 100 ? 1 : ROUNDS;
    const least = (work: () => unknown) => Math.min(...Array.from({ length: rounds }, () => time(work)));
    const figures = { step: least(() => plan.step(before, output, random)), pass: least(() => pass(inputs, sizes)) };
    if (figures.step / figures.pass > slowest.step / slowest.pass) slowest = figures;
    state = next;
  }
  return slowest;
}

const needsMu = ({ config }: Scheduler): boolean => config.use_dynamic_shifting === true;

console.log(`slowest of the first ${VISITED} steps: milliseconds, and times one pass (least of ${ROUNDS})`);
for (const [name, schedulerClass] of Object.entries(schedulerClasses)) {
  const cells = SHAPES.map((shape) => {
    const { step, pass: once } = measure(new schedulerClass(), shape);
    return `${shape.join("×")} ${step.toFixed(3).padStart(8)} ms ${(step / once).toFixed(1).padStart(5)}×`;
  });
  console.log(`${name.padEnd(36)} ${cells.join("   ")}`);
}

const fills = Array.from({ length: ROUNDS }, (_, seed) => time(() => torchRandom(seed).normal([1, 4, 128, 128])));
console.log(`torchRandom, 1×4×128×128 normals: ${Math.min(...fills).toFixed(2)} ms, under 5 ms wanted`);
