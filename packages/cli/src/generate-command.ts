import type { Warning } from "latentkit";
import { drawPictures } from "./draw-pictures.js";
import type { Flags } from "./flags.js";
import { interruptible } from "./interruptible.js";
import { type Job, settledJob } from "./job.js";
import type { Output, Report } from "./output.js";
import { checkWritable } from "./output-paths.js";
import { parametersText } from "./parameters-text.js";
import { createProgress, type Progress } from "./progress.js";
import { strengthOf, type Task } from "./task.js";

/** Draws the pictures that were asked for, and writes each as soon as it is finished. */
export async function generate(prompt: string, flags: Flags, task: Task, output: Output): Promise<void> {
  const job = settledJob(prompt, flags, task);
  for (const { file } of job.pictures) await checkWritable(file);
  const progress = createProgress(process.stderr);
  try {
    const report = await interruptible((signal) => run(job, { signal, progress, output }));
    progress.stop();
    output.done(report, flags.seed !== undefined);
  } finally {
    progress.stop();
  }
}

interface Surroundings {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly output: Output;
}

async function run(job: Job, { signal, progress, output }: Surroundings): Promise<Report> {
  const started = performance.now();
  signal.addEventListener("abort", () => progress.note("stopping after this step; Ctrl-C again stops at once"));
  const { warnings, onWarning } = warningsTo(progress);
  const files: string[] = [];
  let facts = { size: "", steps: 0, scheduler: "" };
  for await (const picture of drawPictures(job, { signal, progress, onWarning })) {
    const { image, scheduler, steps } = picture;
    facts = { size: `${image.width}x${image.height}`, steps, scheduler: scheduler.name };
    const strength = strengthOf(job.task);
    const parameters = parametersText({ ...job, ...picture, strength, size: facts.size, model: job.modelName });
    await image.save(picture.file, { text: { parameters } });
    progress.stop();
    output.saved(picture.file);
    files.push(picture.file);
  }
  const seconds = Math.round(performance.now() - started) / 1000;
  const { source: model = job.modelName, seed } = job;
  return { files, seed, model, ...facts, seconds, warnings };
}

/** Warnings as lines on stderr, each but once, and as a list. */
function warningsTo(progress: Progress): { warnings: readonly Warning[]; onWarning: (warning: Warning) => void } {
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning) => {
    if (warnings.some(({ message }) => message === warning.message)) return;
    warnings.push(warning);
    progress.note(`warning: ${warning.message.replaceAll("\n", " ")}`);
  };
  return { warnings, onWarning };
}
