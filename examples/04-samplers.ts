// One prompt and one seed with many samplers and step counts, and the noise levels that samplers visit.
//
//   npx tsx --conditions=@latentkit/source examples/04-samplers.ts [folder of a model] [steps, as 4,8,20]
//
// Without a folder it takes the embedded model. Writes out/samplers.svg and out/sigmas.svg; drawn with Vega-Lite.
import { mkdir, writeFile } from "node:fs/promises";
import { EulerDiscreteScheduler, type Scheduler, StableDiffusionPipeline, schedulerByName } from "latentkit";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const SAMPLERS = ["DDIM", "Euler", "Heun", "DPM++ 2M", "DPM++ 2M Karras", "UniPC", "Euler a", "DPM++ 2M SDE"];
const STEPS = process.argv[3]?.split(",").map(Number) ?? [2, 4, 6, 8, 12, 20, 40];
const SPACINGS = ["linspace", "leading", "trailing"] as const;
const SIGMAS = { Karras: "useKarrasSigmas", exponential: "useExponentialSigmas", beta: "useBetaSigmas" } as const;

const pipe = await StableDiffusionPipeline.fromPretrained(process.argv[2]);
const { config } = pipe.scheduler;
await mkdir("out", { recursive: true });
await writeFile("out/samplers.svg", await svgOf(grid(await draw())));
await writeFile("out/sigmas.svg", await svgOf(levels()));
await pipe.dispose();

/** Every sampler with every step count, as data for a chart. */
async function draw() {
  const cells = [];
  for (const sampler of SAMPLERS) {
    pipe.scheduler = schedulerByName(sampler, config);
    for (const numInferenceSteps of STEPS) {
      const { images } = await pipe.generate({ prompt: "panda", numInferenceSteps, guidanceScale: 5, seed: 4 });
      const png = Buffer.from(await images[0]!.toPng()).toString("base64");
      cells.push({ sampler, steps: numInferenceSteps, url: `data:image/png;base64,${png}` });
    }
  }
  return cells;
}

function grid(cells: Awaited<ReturnType<typeof draw>>): TopLevelSpec {
  return {
    data: { values: cells },
    mark: { type: "image", width: 64, height: 64 },
    width: { step: 68 },
    height: { step: 68 },
    encoding: {
      x: { field: "steps", type: "ordinal", axis: { orient: "top", title: "steps", labelAngle: 0 } },
      y: { field: "sampler", type: "nominal", sort: SAMPLERS, axis: { title: null } },
      url: { field: "url", type: "nominal" },
      // or it would hold the picture's data once more
      description: { field: "sampler", type: "nominal" },
    },
  };
}

/** σ at each of 20 steps under every spacing that Stable Diffusion's samplers know. */
function levels(): TopLevelSpec {
  const schedule = { betaStart: 0.00085, betaEnd: 0.012, betaSchedule: "scaled_linear" } as const;
  const schedulers: [string, Scheduler][] = [
    ...SPACINGS.map((timestepSpacing): [string, Scheduler] => [
      timestepSpacing,
      new EulerDiscreteScheduler({ ...schedule, timestepSpacing }),
    ]),
    ...Object.entries(SIGMAS).map(([name, option]): [string, Scheduler] => [
      name,
      new EulerDiscreteScheduler({ ...schedule, [option]: true }),
    ]),
  ];
  const values = schedulers.flatMap(([spacing, scheduler]) => {
    const { sigmas = [] } = scheduler.plan({ numInferenceSteps: 20 });
    return sigmas.filter((sigma) => sigma > 0).map((sigma, step) => ({ spacing, step, sigma }));
  });
  return {
    data: { values },
    mark: { type: "line", point: true },
    width: 560,
    height: 320,
    encoding: {
      x: { field: "step", type: "quantitative", axis: { title: "step", tickCount: 20 } },
      y: { field: "sigma", type: "quantitative", scale: { type: "log" }, axis: { title: "σ" } },
      color: { field: "spacing", type: "nominal", sort: schedulers.map(([name]) => name), title: "spacing" },
    },
  };
}

/** Readable on light and dark pages: the chart brings its own background. */
function svgOf(spec: TopLevelSpec): Promise<string> {
  const chart = compile({ background: "white", padding: 12, ...spec }).spec;
  return new View(parse(chart), { renderer: "none" }).toSVG();
}
