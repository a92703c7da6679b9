import { type ModelSource, readJson } from "@latentkit/hub";
import { type Checkpoint, checkTokenMerging, type GraphOptions, openCheckpoint } from "@latentkit/onnx";
import { type Backend, reopening } from "@latentkit/runtime";
import { createBackend } from "@latentkit/runtime/platform";
import { checkDtype, graphOptionsFor } from "./dtype.js";
import { listedNames } from "./listed-names.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";
import { checkMemory } from "./open-session.js";

/** What every runner begins with. */
export interface NetworkParts {
  readonly config: unknown;
  /** Where the configuration is, for messages. */
  readonly configFile: string;
  readonly checkpoint: Checkpoint;
  readonly backend: Backend;
  /** How to build the graph for the backend. */
  readonly graph: GraphOptions;
}

/** The caller's backend, or this platform's; its networks are opened again when their device is lost. */
export async function openBackend({ backend, device = "auto", graphCache = false }: LoadOptions): Promise<Backend> {
  return reopening(backend ?? (await createBackend({ device, graphCache })));
}

/** @throws RangeError for a precision, or an amount of memory, that is none. */
export function checkLoadOptions({ dtype = "auto", memory = "normal", tokenMerging }: LoadOptions): void {
  if (tokenMerging !== undefined) checkTokenMerging(tokenMerging);
  checkDtype(dtype);
  checkMemory(memory);
}

/** Opens a network's folder: `config.json` and the weights named `stem`. */
export async function openNetwork(source: ModelSource, stem: string, options: LoadOptions): Promise<NetworkParts> {
  const { variant, signal } = options;
  checkLoadOptions(options);
  signal?.throwIfAborted();
  const files = await openFiles(source, options);
  const config = await readJson(files, "config.json");
  const checkpoint = await openCheckpoint(files, stem, variant);
  signal?.throwIfAborted();
  const backend = await openBackend(options);
  return {
    config,
    configFile: `${files.location}/config.json`,
    checkpoint,
    backend,
    graph: await graphOptionsFor(backend, checkpoint, options),
  };
}

/** What a network is built of. */
export interface NetworkKind<Config, Built> {
  /** Name of its weights, without the ending. */
  readonly stem: string;
  readonly readConfig: (config: unknown, file: string) => Config;
  readonly build: (checkpoint: Checkpoint, config: Config, graph: GraphOptions, backend: Backend) => Built;
}

/** Opens a network's folder, and builds its graphs. */
export async function buildNetwork<Config, Built extends { readonly unusedTensors: readonly string[] }>(
  source: ModelSource,
  options: LoadOptions,
  { stem, readConfig, build }: NetworkKind<Config, Built>,
): Promise<{ readonly config: Config; readonly network: Built; readonly backend: Backend }> {
  const parts = await openNetwork(source, stem, options);
  const config = readConfig(parts.config, parts.configFile);
  const network = build(parts.checkpoint, config, parts.graph, parts.backend);
  warnOfUnused(network.unusedTensors, parts.checkpoint.location, options);
  return { config, network, backend: parts.backend };
}

/** Tells the caller of tensors that the network has no place for: they may mean that config.json is another model's. */
export function warnOfUnused(tensors: readonly string[], location: string, { onWarning }: LoadOptions): void {
  if (tensors.length === 0) return;
  onWarning?.({ code: "unused-tensors", message: `${location}: the network has no place for ${listedNames(tensors)}` });
}
