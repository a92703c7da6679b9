// Draws one picture as the address says, and puts what each step took into the title.
import { onnxruntimeWeb } from "@latentkit/runtime/web";
import { type GenerateOptions, StableDiffusionPipeline, type Step } from "latentkit";
import { type Spent, stopwatch, timed } from "./stopwatch.js";

/** What one kind of run costs, per step. */
export interface Measured extends Spent {
  readonly device: string;
  readonly kind: string;
  /** From the first step's end to the last's. */
  readonly step: number;
}

const { searchParams } = new URL(location.href);
const [source, wanted] = [searchParams.get("model"), searchParams.get("device")];
const device = wanted === "wasm" ? "wasm" : "webgpu";
const library = device === "wasm" ? () => import("onnxruntime-web/wasm") : () => import("onnxruntime-web/webgpu");

// a GPU in software takes seconds
const STEPS = device === "wasm" ? 20 : 6;
const spent = stopwatch();
const backend = await onnxruntimeWeb({ device, lib: async () => timed(await library(), spent) });
const pipe = await StableDiffusionPipeline.fromPretrained(source ?? undefined, { backend });
const options: GenerateOptions = { prompt: "a red apple", seed: 1, numInferenceSteps: STEPS };

/** Per step, from the end of the first one, when everything has been set up, to the end of the last. */
async function measure(kind: string, stepLatents: boolean, look?: (step: Step) => Promise<unknown>): Promise<Measured> {
  let [from, steps]: [(Spent & { readonly at: number }) | undefined, number] = [undefined, 0];
  for await (const step of pipe.stream({ ...options, stepLatents })) {
    await look?.(step);
    from ??= { ...spent, at: performance.now() };
    steps = step.index;
    if (step.index < step.total - 1) continue;
    const per = (total: number, start: number) => (total - start) / steps;
    const { run, waiting, read } = spent;
    return {
      device,
      kind,
      step: per(performance.now(), from.at),
      run: per(run, from.run),
      waiting: per(waiting, from.waiting),
      read: per(read, from.read),
    };
  }
  throw new Error("there were no steps");
}

await pipe.generate({ ...options, numInferenceSteps: 1 });
const results =
  device === "wasm"
    ? [await measure("latents on the page", true)]
    : [
        await measure("no preview", false),
        await measure("a linear preview", false, (step) => step.preview({ method: "linear", scale: 1 })),
        await measure("latents at every step", true),
      ];
await pipe.dispose();
document.title = JSON.stringify({ about: backend.reason, results });
