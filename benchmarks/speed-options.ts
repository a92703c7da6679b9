import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Stage } from "./network-stages.js";
import { type PublishedName, publishedModels } from "./published-models.js";
import type { StoredType } from "./random-tensors.js";
import type { ComparedProgram } from "./speed-runners.js";

/** What to measure, and how. */
export interface SpeedOptions {
  readonly model: PublishedName;
  /** Side of the picture. */
  readonly pixels: number;
  readonly rounds: number;
  readonly stages: readonly Stage[];
  readonly device: string;
  readonly precision: "fp32" | "fp16";
  readonly threads: number | undefined;
  /** Of a checkpoint that is there, or is to be written. */
  readonly folder: string;
  readonly stored: StoredType;
  readonly compared: readonly ComparedProgram[];
  readonly json: string | undefined;
  readonly plot: string | undefined;
}

const help = `npm run benchmark:speed -- [options]

Times encoding two texts, a guided step and decoding a picture, with our graphs and with the unfused ones that
exporters write, in turn and each in a process of its own. The checkpoint, of full size and random weights, is
written by the benchmark itself: 4.3 GB for sd15, 5.2 GB for sd21, 6.9 GB for sdxl (float16).

  --model sd15|sd21|sdxl     (default: sd15)
  --size 256                 pixels, a multiple of 64
  --rounds 5                 runs of each
  --stages text,step,decode  which of them
  --device cpu|cuda|webgpu   where to compute (default: cpu); our graphs are those of the device
  --precision fp32|fp16      what text encoders and UNets compute in (default: fp32)
  --threads 4                of ONNX Runtime (default: its own choice)
  --folder PATH              of the checkpoint (default: in the folder of temporary files)
  --json FILE                writes everything that was measured
  --plot FILE.svg            draws the seconds of a step
  --compare "name=command"   runs another program, too, once in each round; may be given more than once

What counts as a step's time is the whole command's, unless it prints seconds=1.23 or step=1.23; decode=17.2 and text=0.1
are taken, too. LATENTKIT_FOLDER and LATENTKIT_SIZE tell it the checkpoint and the size. A guided step is one run of the UNet
on two items. PyTorch, with Diffusers:

  --compare 'PyTorch=python3 step.py', step.py being

    import os, time, torch
    from diffusers import UNet2DConditionModel
    unet = UNet2DConditionModel.from_pretrained(os.environ["LATENTKIT_FOLDER"] + "/unet")
    side = int(os.environ["LATENTKIT_SIZE"]) // 8
    inputs = torch.randn(2, 4, side, side), 500, torch.randn(2, 77, unet.config.cross_attention_dim)
    with torch.no_grad():
        unet(*inputs)
        begin = time.perf_counter()
        unet(*inputs)
    print(f"step={time.perf_counter() - begin}")

stable-diffusion.cpp tells its times itself, and guides unless it is told otherwise; during the first step it reads the weights.
Any weights of the model will do: what they are does not change the time.

  --compare 'sd.cpp=sd-cli -m sd15.safetensors -p apple --steps 2 -H $LATENTKIT_SIZE -W $LATENTKIT_SIZE 2>&1 | tr "\\r" "\\n" |
    sed -nE "s|.*2/2 - ([0-9.]+)s/it.*|step=\\1|p; s/.*decode_first_stage completed, taking ([0-9.]+)s.*/decode=\\1/p"'
`;

const stageNames: readonly Stage[] = ["text", "step", "decode"];

/** Reads the command's arguments. @throws RangeError naming an option, what it was and what is accepted. */
export function speedOptions(args: readonly string[]): SpeedOptions | { readonly help: string } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      model: { type: "string", default: "sd15" },
      size: { type: "string", default: "256" },
      rounds: { type: "string", default: "5" },
      stages: { type: "string", default: stageNames.join(",") },
      device: { type: "string", default: "cpu" },
      precision: { type: "string", default: "fp32" },
      threads: { type: "string" },
      folder: { type: "string" },
      json: { type: "string" },
      plot: { type: "string" },
      compare: { type: "string", multiple: true, default: [] },
    },
  });
  if (values.help) return { help };
  const names = Object.keys(publishedModels) as PublishedName[];
  const model = oneOf("--model", values.model, names);
  const stages = values.stages.split(",").map((stage) => oneOf("--stages", stage, stageNames));
  if (values.compare.length > 0 && !stages.includes("step"))
    throw new RangeError(`--stages: expected step beside --compare, got ${values.stages}`);
  return {
    model,
    pixels: count("--size", values.size, 64),
    rounds: count("--rounds", values.rounds),
    stages,
    device: oneOf("--device", values.device, ["cpu", "cuda", "webgpu", "dml", "coreml"]),
    precision: oneOf("--precision", values.precision, ["fp32", "fp16"]),
    threads: values.threads === undefined ? undefined : count("--threads", values.threads),
    folder: values.folder ?? join(tmpdir(), "latentkit-benchmarks", model),
    stored: model === "sdxl" ? "fp16" : "fp32",
    compared: values.compare.map(comparedProgram),
    json: values.json,
    plot: values.plot,
  };
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((name) => name === value);
  if (found === undefined) throw new RangeError(`${option}: expected one of ${known.join(", ")}, got ${value}`);
  return found;
}

function count(option: string, text: string, of = 1): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value % of === 0) return value;
  throw new RangeError(`${option}: expected a positive ${of === 1 ? "integer" : `multiple of ${of}`}, got ${text}`);
}

function comparedProgram(text: string): ComparedProgram {
  const [, name, command] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || command === undefined)
    throw new RangeError(`--compare: expected "name=command", got ${text}`);
  return { name, command };
}
