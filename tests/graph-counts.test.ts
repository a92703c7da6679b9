// Counts that no machine changes: what the graphs of full-size networks hold and cost, and how often a picture's networks
// run. `npx vitest run tests/graph-counts.test.ts -u` writes them anew.
import {
  autoencoderKL,
  autoencoderKLConfig,
  clipTextConfig,
  clipTextModel,
  openCheckpointFile,
  operatorsFor,
  unet2dCondition,
  unet2dConditionConfig,
  unfused,
} from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { DDIMScheduler, type GenerateOptions, interval, StableDiffusionPipeline } from "latentkit";
import { describe, expect, it } from "vitest";
import { graphCosts } from "../benchmarks/graph-costs.js";
import { graphContent } from "../benchmarks/graph-nodes.js";
import { type PublishedNetwork, publishedModels } from "../benchmarks/published-models.js";
import type { AxisLengths } from "../benchmarks/sized-graph.js";
import { fixtures } from "./golden.js";
import { headerOnlyFile } from "./header-only-file.js";

/** A picture of 768×512: latents for both halves of guidance, texts of 77 tokens, and what SDXL is told beside them. */
const step: AxisLengths = { batch: 2, height: 64, width: 96, length: 77, steps: 1, text_width: 1280, ids: 6 };
const picture: AxisLengths = { batch: 1, height: 64, width: 96 };

/** Nodes by operator, the number of initializers, and what a run costs. */
function countsOf(model: Uint8Array, axes: AxisLengths): object {
  const { nodes, initializers } = graphContent(model);
  const counts = new Map<string, number>();
  for (const { operator } of nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...Object.fromEntries(sorted), initializers: initializers.length, costs: graphCosts(model, axes) };
}

const checkpoint = ({ tensors }: PublishedNetwork) => openCheckpointFile(headerOnlyFile(Object.fromEntries(tensors())));

const tiled = await operatorsFor("cpu");
const kinds = { tiled, unfused };
const models = Object.values(publishedModels);
const cases = Object.entries(kinds).flatMap(([kind, operators]) =>
  models.map(({ name, networks }) => ({ name, kind, operators, networks })),
);

describe("graphs", () => {
  it.each(cases)("the UNet of $name, $kind", async ({ networks: { unet }, operators }) => {
    const config = unet2dConditionConfig(unet.config);
    const network = unet2dCondition(await checkpoint(unet), config, { operators });
    expect(network.unusedTensors).toEqual([]);
    expect(countsOf(network.graph, step)).toMatchSnapshot();
  });

  it.each(models)("the UNet of $name that is told the text's keys and values", async ({ networks: { unet } }) => {
    const network = unet2dCondition(await checkpoint(unet), unet2dConditionConfig(unet.config), {
      operators: tiled,
      textApart: true,
    });
    const { graph, text } = network;
    expect({ step: graphCosts(graph, step), once: text && graphCosts(text.graph, step) }).toMatchSnapshot();
  });

  it.each(cases)("the text encoder of $name, $kind", async ({ networks, operators }) => {
    // of SDXL the larger one
    const { text_encoder: first, text_encoder_2: text = first } = networks;
    const network = clipTextModel(await checkpoint(text), clipTextConfig(text.config), { operators });
    expect(countsOf(network.graph, step)).toMatchSnapshot();
  });

  it.each(Object.entries(kinds))("the decoder of the autoencoder, %s", async (_, operators) => {
    const { vae } = publishedModels.sd15.networks;
    const { decoder } = autoencoderKL(await checkpoint(vae), autoencoderKLConfig(vae.config), { operators });
    expect(countsOf(decoder.graph, picture)).toMatchSnapshot();
  });
});

/** By an input that no network before it in the list has. */
const networkNames: Readonly<Record<string, string>> = {
  input_ids: "text encoder",
  deep_feature: "UNet, shallow part",
  timestep: "UNet",
  encoder_hidden_states: "keys and values of the text",
  latent_sample: "decoder",
};

/** A backend that counts the runs of each network, and the items in them. */
function counting(backend: Backend) {
  const runs: Record<string, number> = {};
  const createSession: Backend["createSession"] = async (...request) => {
    const session = await backend.createSession(...request);
    const inputs = new Set(session.inputs.map((input) => input.name));
    const name = Object.keys(networkNames).find((input) => inputs.has(input)) ?? [...inputs].join();
    const run: typeof session.run = (...feeds) => {
      const [batch] = (feeds[0].sample ?? feeds[0][name])?.shape ?? [];
      const network = `${networkNames[name] ?? name}, batch of ${batch}`;
      runs[network] = (runs[network] ?? 0) + 1;
      return session.run(...feeds);
    };
    return { ...session, run };
  };
  return { backend: { ...backend, createSession }, runs };
}

const sessionOptions = { graphOptimizationLevel: "disabled" } as const;

describe("runs of networks for a picture", () => {
  const settings: Readonly<Record<string, Partial<GenerateOptions>>> = {
    "of 6 steps": {},
    "without guidance": { guidanceScale: 1 },
    "of sequential guidance": { sequentialGuidance: true },
    "of guidance in an interval": { guidance: interval(7.5, 0, 0.5) },
    "with deepCache": { deepCache: { interval: 3 } },
    "that is a draft": { quality: "draft" },
  };

  it.each(Object.entries(settings))("%s", async (_, own) => {
    const cpu = await onnxruntimeNode({ device: "cpu", worker: false, threads: 1, sessionOptions });
    const { backend, runs } = counting(cpu);
    await using pipe = await StableDiffusionPipeline.fromPretrained(`${fixtures}pipelines/tiny-sd`, { backend });
    pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config);
    const steps = "quality" in own ? {} : { numInferenceSteps: 6 };
    await pipe.generate({ prompt: "a cat", seed: 1, height: 48, width: 64, ...steps, ...own });
    expect(runs).toMatchSnapshot();
  });
});
