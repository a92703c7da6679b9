import { readTensor } from "../read-tensor.js";
import type { SafetensorsHeader } from "../safetensors.js";
import type { Family } from "./family.js";
import type { Prediction } from "./scheduler-config.js";

/** Training steps after which the 512-pixel model of Stable Diffusion 2, which predicts noise, was published. */
const SD2_BASE_STEPS = 875_000;

/** How files write it in their metadata (the `modelspec` of Stability AI). */
const TYPES = { epsilon: "epsilon", v: "v_prediction", v_prediction: "v_prediction" } as const;

/** What a model was trained to predict, as far as its file tells; else as Diffusers assumes of the family. */
export async function predictionOf(header: SafetensorsHeader, family: Family, inChannels: number): Promise<Prediction> {
  const zeroTerminalSnr = header.tensors.has("ztsnr");
  const told = header.metadata["modelspec.prediction_type"]?.toLowerCase() ?? "";
  if (isType(told)) return { type: TYPES[told], isAssumed: false, zeroTerminalSnr };
  if (header.tensors.has("v_pred") || family === "x4-upscaler")
    return { type: "v_prediction", isAssumed: false, zeroTerminalSnr };
  if (family !== "sd2" || inChannels !== 4) return { type: "epsilon", isAssumed: false, zeroTerminalSnr };
  const isBase = (await trainingSteps(header)) === SD2_BASE_STEPS;
  return { type: isBase ? "epsilon" : "v_prediction", isAssumed: !isBase, zeroTerminalSnr };
}

function isType(text: string): text is keyof typeof TYPES {
  return Object.hasOwn(TYPES, text);
}

async function trainingSteps({ tensors }: SafetensorsHeader): Promise<number | undefined> {
  const steps = tensors.get("global_step");
  const isOne = steps?.shape.every((length) => length === 1) ?? false;
  return steps && isOne ? (await readTensor(steps))[0] : undefined;
}
