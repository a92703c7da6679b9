import type { Tensor } from "@latentkit/core";
import type { GenerateResult, RunOptions, Step } from "@latentkit/pipelines";
import { pack, unpack } from "./parcel.js";
import type { PipelineReference } from "./pipeline-host.js";
import { reportTo } from "./report.js";
import type { WorkerLink } from "./worker-link.js";

/** A run in a worker, step by step; the steps cross only when they are wanted. */
export async function* remoteRun(
  link: WorkerLink,
  pipeline: PipelineReference,
  options: RunOptions,
  isWanted: boolean,
): AsyncGenerator<Step, GenerateResult, Tensor | undefined> {
  const { signal, onStep: _, onWarning, ...rest } = options;
  signal?.throwIfAborted();
  const settings = await pack(isWanted ? rest : { ...rest, stepLatents: false }, "");
  const run = link.number();
  const abort = () => link.send((host) => host.abort(run));
  signal?.addEventListener("abort", abort, { once: true });
  try {
    await link.call((host) => host.start(run, pipeline, settings, reportTo({ onWarning })), signal);
    // a signal may have come before the run
    if (signal?.aborted) abort();
    let changed: Tensor | undefined;
    for (;;) {
      const latents = await pack(changed, "latents");
      const progress = unpack(await link.call((host) => host.next(run, latents, isWanted), signal));
      if (progress.done) return progress.result;
      if (progress.step) changed = yield stepOf(link, run, progress.step);
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    // whoever leaves the loop leaves the run
    await link.call((host) => host.end(run)).catch(() => undefined);
  }
}

function stepOf(link: WorkerLink, run: number, step: Omit<Step, "preview">): Step {
  return {
    ...step,
    preview: async (options) => unpack(await link.call((host) => host.preview(run, step.index, options))),
  };
}
