import { LatentKitError, type ModelGraph } from "@latentkit/core";
import { externalWeights } from "./external-files.js";
import type { GraphCache, GraphPlace } from "./graph-cache.js";
import type { HostedSession, SessionHost, SessionOptions } from "./session-host.js";
import { storedInFunction } from "./stored-function.js";

/** Opens a network on a host: as the cache has it, or from its weights, so that the cache has it the next time. */
export async function openGraph(
  host: SessionHost,
  model: ModelGraph,
  options: SessionOptions,
  cache: GraphCache | undefined,
): Promise<HostedSession> {
  const place = await cache?.placeOf(model, options).catch(() => undefined);
  if (!place) return openWeights(host, model, options);
  return (
    (await openKept(host, place, options)) ??
    place.keep((writing) => openWeights(host, model, merged(options, writing)))
  );
}

/** What the cache has, where that is whole. */
async function openKept(
  host: SessionHost,
  place: GraphPlace,
  options: SessionOptions,
): Promise<HostedSession | undefined> {
  const kept = await place.find();
  if (!kept) return undefined;
  const asItIs = { ...options, graphOptimizationLevel: "disabled" } as const;
  try {
    return await host.open(kept.graph, merged(asItIs, mappedFrom(kept.folder)), []);
  } catch (error) {
    // of other failures, such as short memory, the entry is not the cause
    if (!LatentKitError.isInstance(error) || error.code !== "invalid-checkpoint") throw error;
    await place.clear();
    return undefined;
  }
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
