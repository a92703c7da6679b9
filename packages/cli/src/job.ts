import { randomInt } from "node:crypto";
import { basename, resolve } from "node:path";
import type { Device, Quality } from "latentkit";
import type { Flags } from "./flags.js";
import { outputPaths } from "./output-paths.js";
import type { SchedulerChoice } from "./scheduler-names.js";
import type { Size } from "./size.js";
import type { Task } from "./task.js";

/** A command with everything settled. */
export interface Job {
  readonly task: Task;
  readonly prompt: string;
  readonly negative: string | undefined;
  /** Those that suit the task and the model when left out. */
  readonly steps: number | undefined;
  /** That of the task and the model when left out. */
  readonly guidance: number | undefined;
  /** The checkpoint's own when left out. */
  readonly scheduler: SchedulerChoice | undefined;
  readonly quality: Quality;
  /** Of how many network calls one is whole; every one when left out. */
  readonly deepCache: number | undefined;
  /** The size the checkpoint was trained on when left out. */
  readonly size: Size | undefined;
  readonly device: Device;
  /** Whether networks are kept as they were optimised. */
  readonly graphCache: boolean;
  /** The embedded model when left out. */
  readonly source: string | undefined;
  readonly modelName: string;
  /** Of the first picture. */
  readonly seed: number;
  readonly pictures: readonly Picture[];
}

/** A picture to draw. */
export interface Picture {
  readonly seed: number;
  readonly file: string;
}

const embeddedName = "tiny-emoji";

/** Fills in what the user left open. The embedded model draws best with less guidance than others. */
export function settledJob(prompt: string, flags: Flags, task: Task): Job {
  const { model, steps, size, device, graphCache = false, negative, count, deepCache } = flags;
  const { seed = randomInt(2 ** 32), quality = "normal" } = flags;
  const embedded = model === undefined;
  const seeds = Array.from({ length: count }, (_, i) => seed + i);
  const files = outputPaths(flags.output, seeds);
  return {
    task,
    prompt,
    negative,
    steps,
    guidance: flags.guidance ?? (embedded ? 4 : undefined),
    scheduler: flags.scheduler,
    quality,
    deepCache,
    size,
    device,
    graphCache,
    source: model,
    modelName: embedded ? embeddedName : nameOf(model),
    seed,
    pictures: files.map((file, i) => ({ file, seed: seed + i })),
  };
}

/** The last part of a path, of an id on the Hub or of a web address, as pictures tell it. */
function nameOf(model: string): string {
  const path =
    URL.canParse(model) && model.includes("://") ? decodeURIComponent(new URL(model).pathname) : resolve(model);
  return basename(path).replace(/\.safetensors$/, "");
}
