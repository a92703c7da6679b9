import { zeros } from "@latentkit/core";
import type { GenerateResult, Step } from "@latentkit/pipelines";
import { handedOver } from "./handed-over.js";
import { pack, unpack } from "./parcel.js";
import type { AnyPipeline, PipelineHost, PipelineReference, Progress } from "./pipeline-host.js";
import { openReports, type Reports } from "./report.js";
import { outcomeOf } from "./worker-outcome.js";

/** A run under way, or over. */
interface Run {
  /** The number of its pipeline. */
  readonly pipeline: number;
  readonly stream: ReturnType<AnyPipeline["stream"]>;
  readonly signal: AbortSignal;
  readonly reports: Reports;
  /** Those so far; they can be shown until another run of the pipeline begins. */
  readonly steps: Step[];
  isOver: boolean;
}

/** What a generator that is left early is said to have given. */
const nothing: GenerateResult = { images: [], latents: zeros([0]), seeds: [], warnings: [] };

/** The part of a host that makes runs. */
export function hostedRuns(
  pipelineOf: (reference: PipelineReference) => AnyPipeline,
  controllers: Map<number, AbortController>,
): Pick<PipelineHost, "start" | "next" | "preview" | "end"> {
  const runs = new Map<number, Run>();

  function runOf(id: number): Run {
    const run = runs.get(id);
    if (!run) throw new RangeError("step: another run has begun since; show steps before");
    return run;
  }

  function close(id: number, run: Run): void {
    run.isOver = true;
    run.reports.close();
    controllers.delete(id);
  }

  return {
    start: (id, reference, options, report) =>
      outcomeOf(async () => {
        const controller = new AbortController();
        const { signal } = controller;
        const reports = openReports(report);
        const all = { ...unpack(options), ...reports.callbacks, signal };
        const stream = pipelineOf(reference).stream(all);
        for (const [old, run] of runs) if (run.isOver && run.pipeline === reference.id) runs.delete(old);
        runs.set(id, { pipeline: reference.id, stream, signal, reports, steps: [], isOver: false });
        controllers.set(id, controller);
      }),
    async next(id, latents, isWanted) {
      const run = runOf(id);
      let isOver = true;
      const outcome = await outcomeOf(async () => {
        const next = await run.stream.next(unpack(latents));
        await run.reports.settled();
        isOver = next.done === true;
        return pack(progressOf(run, next, isWanted), "step");
      }, run.signal);
      if (isOver) close(id, run);
      // what a run has ended with is nobody else's
      return isOver ? handedOver(outcome) : outcome;
    },
    preview: async (id, step, options) =>
      handedOver(
        await outcomeOf(async () => {
          const images = await runOf(id).steps[step]?.preview(options);
          return pack(images ?? [], "images");
        }),
      ),
    end: (id) =>
      outcomeOf(async () => {
        const run = runs.get(id);
        if (!run || run.isOver) return;
        close(id, run);
        await run.stream.return(nothing);
      }),
  };
}

function progressOf(run: Run, next: IteratorResult<Step, GenerateResult>, isWanted: boolean): Progress {
  if (next.done) return { done: true, result: next.value };
  if (!isWanted) return { done: false };
  const { preview: _, ...step } = next.value;
  run.steps.push(next.value);
  return { done: false, step };
}
