import { type Endpoint, expose } from "comlink";
import { adoptExitGate, workerScope } from "latentkit/platform";
import type { Greeting } from "./worker-link.js";

/**
 * Makes this worker one that draws: `connect` on the other side opens pipelines in it. To be called at the top of the
 * worker's script, before anything is awaited.
 *
 * @throws TypeError outside a worker.
 * @example
 * ```ts
 * // pipeline.worker.ts
 * exposePipeline();
 * ```
 */
export function exposePipeline(): void {
  workerScope().addEventListener("message", ({ data }) => {
    if (!isGreeting(data)) return;
    adoptExitGate(data.gate);
    void serve(data.port);
  });
}

async function serve(port: MessagePort): Promise<void> {
  const [{ pipelineHost }, classes] = await Promise.all([import("./pipeline-host.js"), import("@latentkit/pipelines")]);
  expose(pipelineHost(classes), port as Endpoint);
}

const isGreeting = (data: unknown): data is Greeting =>
  data instanceof Object && "type" in data && data.type === "latentkit:connect" && "port" in data;
