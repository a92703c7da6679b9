import { concat, slice, type Tensor } from "@latentkit/core";
import type { BatchJob } from "./batch-jobs.js";
import type { BatchResult } from "./batch-options.js";
import type { GenerateResult } from "./pipeline.js";

/** Draws the pictures of some jobs in one run. */
export type Draw<Options> = (jobs: readonly BatchJob<Options>[]) => Promise<GenerateResult>;

/** A job that failed. */
export interface Failure<Options> {
  readonly error: unknown;
  readonly job: BatchJob<Options>;
}

/** What became of a job. */
export type Outcome<Options> = { readonly result: BatchResult<Options> } | Failure<Options>;

/** What becomes of jobs in one run; where that fails, of each in one of its own, as one of them is at fault. */
export async function outcomesOf<Options>(
  jobs: readonly BatchJob<Options>[],
  draw: Draw<Options>,
  signal: AbortSignal,
): Promise<readonly Outcome<Options>[]> {
  try {
    return resultsOf(await draw(jobs), jobs).map((result) => ({ result }));
  } catch (error) {
    const [job, ...others] = jobs;
    if (job && others.length === 0) return [{ error, job }];
    signal.throwIfAborted();
    const outcomes: Outcome<Options>[] = [];
    for (const each of jobs) outcomes.push(...(await outcomesOf([each], draw, signal)));
    return outcomes;
  }
}

/** Each run's part of what they gave together. */
function resultsOf<Options>(
  { images, tensor, latents, seeds, warnings }: GenerateResult,
  jobs: readonly BatchJob<Options>[],
): readonly BatchResult<Options>[] {
  return jobs.map(({ index, item }, i) => ({
    index,
    item,
    images: part(images, i, jobs.length),
    ...(tensor && { tensor: rows(tensor, i, jobs.length) }),
    latents: rows(latents, i, jobs.length),
    seeds: part(seeds, i, jobs.length),
    warnings,
  }));
}

const part = <Item>(items: readonly Item[], i: number, parts: number): readonly Item[] =>
  items.slice((i * items.length) / parts, ((i + 1) * items.length) / parts);

function rows(value: Tensor, i: number, parts: number): Tensor {
  if (parts === 1) return value;
  const size = (value.shape[0] ?? 0) / parts;
  return concat([slice(value, i * size, (i + 1) * size)]);
}
