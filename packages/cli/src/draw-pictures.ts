import { openSource, type RgbaImage, type Scheduler, type Step, type Warning } from "latentkit";
import { downloadBar } from "./download-bar.js";
import type { Job, Picture } from "./job.js";
import { openTask } from "./open-task.js";
import type { Progress } from "./progress.js";
import { settledSchedule } from "./settled-schedule.js";
import { createTimeLeft } from "./time-left.js";

/** A picture that was drawn. */
export interface DrawnPicture extends Picture {
  readonly image: RgbaImage;
  readonly scheduler: Scheduler;
  /** What it was drawn with. */
  readonly guidance: number;
  readonly steps: number;
  /** Of how many network calls one was whole. */
  readonly deepCache: number | undefined;
}

/** Who is told about a job, and who may end it. */
export interface Attendants {
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly onWarning: (warning: Warning) => void;
}

/** Draws a job's pictures one after the other: each is the same as if it were drawn alone with its seed. */
export async function* drawPictures(job: Job, attendants: Attendants): AsyncGenerator<DrawnPicture, void, undefined> {
  const { signal, progress, onWarning } = attendants;
  const { prompt, negative, device, graphCache, pictures } = job;
  progress.show({ doing: `opening ${job.modelName}`, done: 0, total: (job.steps ?? 1) * pictures.length, left: "" });
  const onProgress = downloadBar(progress);
  const source = job.source === undefined ? undefined : await openSource(job.source, { signal, onProgress, onWarning });
  const opening = { device, graphCache, signal, onWarning, onProgress };
  await using opened = await openTask(job.task, source, opening, job.size);
  const { pipe } = opened;
  const { guidance = opened.guidance } = job;
  const { scheduler, steps, deepCache } = await settledSchedule(job, opened);
  pipe.scheduler = scheduler;
  const options = {
    prompt,
    // SDXL takes one that is empty for another thing than none
    ...(negative !== undefined && { negativePrompt: negative }),
    numInferenceSteps: steps,
    guidanceScale: guidance,
    ...(deepCache && { deepCache }),
    ...opened.options,
  };
  const settings = { guidance, steps, scheduler, deepCache: deepCache?.interval };
  const tellSteps = stepTeller(progress, pictures.length);
  for (const [i, picture] of pictures.entries()) {
    const onStep = tellSteps(i);
    const { images } = await pipe.generate({ ...options, seed: picture.seed, signal, onStep, onWarning });
    signal.throwIfAborted();
    for (const image of images) yield { ...picture, image, ...settings };
  }
}

function stepTeller(progress: Progress, count: number): (picture: number) => (step: Step) => void {
  const timeLeft = createTimeLeft();
  return (picture) =>
    ({ index, total }) => {
      const done = picture * total + index + 1;
      const doing = index + 1 === total ? "decoding" : "drawing";
      progress.show({ doing, done, total: total * count, left: timeLeft(done, total * count) });
    };
}
