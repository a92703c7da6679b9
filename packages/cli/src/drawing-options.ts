import { type Command, Option } from "commander";
import type { Device, Quality } from "latentkit";
import type { Flags } from "./flags.js";
import { finiteNumber, wholeNumber } from "./number-arguments.js";
import { outputPath } from "./output-paths.js";
import { parseScheduler } from "./scheduler-names.js";
import { parseSize } from "./size.js";
import type { Task } from "./task.js";

/** Does what a command asks for. */
export type Draw = (prompt: string, flags: Flags, task: Task) => Promise<void>;

const devices: readonly Device[] = ["auto", "cpu", "cuda", "webgpu", "dml", "coreml"];

const qualities: readonly Quality[] = ["draft", "normal", "best"];

/** The options of all commands that draw. */
export function addDrawingOptions(command: Command): Command {
  return command
    .option("-o, --output <file>", "the .png file to write (default: latentkit-SEED.png)", outputPath)
    .option(
      "-m, --model <source>",
      "a model's id on the Hub, folder, .safetensors file or web address (default: the embedded model)",
    )
    .option("-n, --negative <text>", "what to steer away from")
    .option("--steps <n>", "denoising steps (default: 20, latent consistency models 4)", wholeNumber(1))
    .option(
      "--guidance <scale>",
      "obedience to the prompt, 1 for none (default: what suits the model, mostly 7.5)",
      finiteNumber,
    )
    .option("--size <size>", "pixels, as 512 or 768x512, width first (default: the model's)", parseSize)
    .option("--seed <n>", "the same seed draws the same picture (default: random)", wholeNumber())
    .option("--scheduler <name>", "sampler, see below (default: the model's)", parseScheduler)
    .addOption(
      new Option("--quality <name>", "sampler and steps by one word; what is given beside it stands").choices(
        qualities,
      ),
    )
    .option("--deep-cache <n>", "run the whole network in every n-th step only: faster, less exact", wholeNumber(1))
    .addOption(new Option("--device <name>", "where to compute").choices(devices).default("auto"))
    .option("--graph-cache", "keep networks on disk as they were optimised: opens faster the next time, on a CPU")
    .option("--count <n>", "pictures to draw, each with the next seed", wholeNumber(1), 1)
    .option("--json", "tell the result as JSON")
    .helpOption("-h, --help", "show this help");
}
