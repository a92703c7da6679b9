import type { ModelGraph } from "@latentkit/core";
import { externalWeights } from "./external-files.js";
import type { GraphCache, GraphPlace } from "./graph-cache.js";
import type { HostedSession, SessionHost, SessionOptions } from "./session-host.js";
import { storedInFunction } from "./stored-function.js";

/** Opens a network on a host: as the cache has it, or from its weights, so that the cache has it the next time. */
export async function openNetwork(
  host: SessionHost,
  model: ModelGraph,
  options: SessionOptions,
  cache: GraphCache | undefined,
): Promise<HostedSession> {
  const place = await cache?.placeOf(model, options).catch(() => undefined);
  if (!place) return openWeights(host, model, options);
  const kept = await openKept(host, place, options);
  if (kept) return kept;
  return (
    place
      .keep((writing) => openWeights(host, model, merged(options, writing)))
      // a disk that is full or cannot be written is no reason not to run
      .catch(() => openWeights(host, model, options))
  );
}

/** What the cache has, where that is whole. */
async function openKept(
  host: SessionHost,
  place: GraphPlace,
  options: SessionOptions,
): Promise<HostedSession | undefined> {
  const asItIs = { ...options, graphOptimizationLevel: "disabled" } as const;
  try {
    const kept = await place.find();
    if (kept) return await host.open(kept.graph, merged(asItIs, mappedFrom(kept.folder)), []);
  } catch {
    // broken, or out of reach
  }
  await place.clear().catch(() => undefined);
  return undefined;
}

async function openWeights(
  host: SessionHost,
  { graph, externalFiles }: ModelGraph,
  options: SessionOptions,
): Promise<HostedSession> {
  const { folder, mapped, files } = await externalWeights(externalFiles);
  const model = mapped.size > 0 && files.length > 0 ? storedInFunction(graph, mapped) : graph;
  return host.open(model, folder === undefined ? options : merged(options, mappedFrom(folder)), files);
}

const mappedFrom = (folder: string): SessionOptions => ({
  extra: { session: { model_external_initializers_file_folder_path: folder } },
});

/** Both; of the entries for ONNX Runtime's own settings each. */
function merged(options: SessionOptions, more: SessionOptions): SessionOptions {
  const session = Object.assign({}, options.extra?.session, more.extra?.session);
  return { ...options, ...more, extra: { ...options.extra, ...more.extra, session } };
}
