// One run in a process of its own, so that its memory is its own. Prints one line of JSON.
// usage: measure-precision.ts '{ "folder": …, "options": { "dtype": … }, "size": 512, "steps": 3 }'

import { DiffusionPipeline, type Dtype } from "latentkit";

interface Request {
  readonly folder: string;
  readonly options: {
    readonly dtype: Dtype;
    readonly memory?: "normal" | "low";
    readonly vaeTiling?: { readonly tileSize: number };
  };
  readonly size: number;
  readonly steps: number;
}

/** Highest resident memory so far, in GB. */
const peak = () => process.resourceUsage().maxRSS / 1e6;

const { folder, options, size, steps }: Request = JSON.parse(process.argv[2] ?? "{}");
const start = performance.now();
const pipe = await DiffusionPipeline.fromPretrained(folder, { device: "cpu", ...options });
const opened = performance.now();
const openPeak = peak();
const times: { readonly wall: number; readonly cpu: number }[] = [];
let [last, cpu] = [performance.now(), process.cpuUsage()];
await pipe.generate({
  prompt: "a red apple",
  negativePrompt: "blurry",
  seed: 1,
  height: size,
  width: size,
  numInferenceSteps: steps,
  onStep: () => {
    const { user, system } = process.cpuUsage(cpu);
    times.push({ wall: (performance.now() - last) / 1000, cpu: (user + system) / 1e6 });
    [last, cpu] = [performance.now(), process.cpuUsage()];
  },
});
const decode = (performance.now() - last) / 1000;
// the first step warms up, and with little memory it opens the network; other work on the machine disturbs the fastest least
const warm = times.slice(times.length > 1 ? 1 : 0);
const fastest = (key: "wall" | "cpu") => Math.min(...warm.map((time) => time[key]));
const open = (opened - start) / 1000;
console.log(JSON.stringify({ open, step: fastest("wall"), cpu: fastest("cpu"), decode, openPeak, peak: peak() }));
process.exit(0);
