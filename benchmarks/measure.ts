// One measurement in a process of its own, so that memory and caches are its own. Prints one line of JSON.
// usage: measure.ts open-ours|open-kept|open-exported|step|outside|memory <checkpoint folder>

import { onnxruntimeNode } from "@latentkit/runtime/node";
import { encodePrompt, StableDiffusionPipeline } from "latentkit";
import * as ort from "onnxruntime-node";
import { exportNetwork } from "./export-network.js";
import { stageNetworks, type Variant } from "./network-stages.js";
import { openNetwork } from "./open-network.js";
import { median } from "./spread.js";

const STEPS = 5;

type Measurement = (folder: string) => Promise<Record<string, number>>;

const measurements: Record<string, Measurement> = {
  "open-ours": async (folder) => ({ seconds: await seconds(() => untilFirstStep(folder)) }),
  "open-kept": async (folder) => ({ seconds: await seconds(() => untilFirstStep(folder, `${folder}-graphs`)) }),
  "open-exported": async (folder) => {
    const models = [await exportNetwork(folder, "text"), await exportNetwork(folder, "step")];
    return {
      seconds: await seconds(async () => {
        for (const model of models) await ort.InferenceSession.create(model);
      }),
    };
  },
  step: alternatingSteps,
  outside: timeOutsideSessions,
  memory: peakMemory,
};

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

/** From the folder to the moment the first step begins: everything opened, the prompt encoded. */
async function untilFirstStep(folder: string, graphCache: string | false = false): Promise<void> {
  const pipe = await StableDiffusionPipeline.fromPretrained(folder, { device: "cpu", graphCache });
  await encodePrompt(pipe.components, ["a red apple"], { negativePrompts: [""] });
}

/** A guided step at 256×256 with both graphs, in turn. */
async function alternatingSteps(folder: string): Promise<Record<string, number>> {
  const step = { folder, stage: "step", device: "cpu", precision: "fp32", pixels: 256 } as const;
  const opened = async (variant: Variant) => openNetwork((await stageNetworks({ ...step, variant }))[0]!, {});
  const [ours, exported] = [await opened("ours"), await opened("unfused")];
  const times: { ours: number; exported: number }[] = [];
  for (let i = 0; i <= STEPS; i++) {
    times.push({ ours: await seconds(() => ours.run()), exported: await seconds(() => exported.run()) });
  }
  const warm = times.slice(1);
  return {
    ours: median(warm.map((time) => time.ours)),
    exported: median(warm.map((time) => time.exported)),
    ratio: median(warm.map((time) => time.ours / time.exported)),
  };
}

/** The share of a run that is not spent inside ONNX Runtime. */
async function timeOutsideSessions(folder: string): Promise<Record<string, number>> {
  let inside = 0;
  const create = async (...args: Parameters<typeof ort.InferenceSession.create>) => {
    const session = await ort.InferenceSession.create(...args);
    return new Proxy(session, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target);
        if (typeof value !== "function") return value;
        if (key !== "run") return value.bind(target);
        return async (...inputs: unknown[]) => {
          const begin = performance.now();
          const outputs = await Reflect.apply(value, target, inputs);
          inside += performance.now() - begin;
          return outputs;
        };
      },
    });
  };
  const backend = await onnxruntimeNode({ device: "cpu", lib: { ...ort, InferenceSession: { create } } as typeof ort });
  const pipe = await StableDiffusionPipeline.fromPretrained(folder, { backend });
  const draw = () => pipe.generate({ prompt: "a red apple", seed: 1, height: 256, width: 256, numInferenceSteps: 4 });
  await pipe.generate({ prompt: "a red apple", seed: 1, height: 256, width: 256, numInferenceSteps: 1 });
  inside = 0;
  const total = 1000 * (await seconds(draw));
  return { total: total / 1000, inside: inside / 1000, share: 1 - inside / total };
}

/** Highest resident memory of a 512×512 run, in GB, and what the weights take. */
async function peakMemory(folder: string): Promise<Record<string, number>> {
  const pipe = await StableDiffusionPipeline.fromPretrained(folder, { device: "cpu" });
  await pipe.generate({ prompt: "a red apple", seed: 1, height: 512, width: 512, numInferenceSteps: 1 });
  return { peak: process.resourceUsage().maxRSS / 1e6 };
}

const [, , name = "", folder = ""] = process.argv;
const measure = measurements[name];
if (!measure) throw new RangeError(`expected one of ${Object.keys(measurements).join(", ")}, got ${name}`);
console.log(JSON.stringify(await measure(folder)));
process.exit(0);
