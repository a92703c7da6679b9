import { type ModelSource, readJson } from "@latentkit/hub";
import { type Checkpoint, type Operators, openCheckpoint, operatorsFor } from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import { listedNames } from "./listed-names.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";

/** What every runner begins with. */
export interface NetworkParts {
  readonly config: unknown;
  /** Where the configuration is, for messages. */
  readonly configFile: string;
  readonly checkpoint: Checkpoint;
  readonly backend: Backend;
  /** The fused operators that the backend has. */
  readonly operators: Operators;
}

const DTYPES: readonly unknown[] = ["auto", "fp32"];

/** The caller's backend, or this platform's. */
export async function openBackend({ backend, device = "auto" }: LoadOptions): Promise<Backend> {
  return backend ?? (await import("@latentkit/runtime/platform")).createBackend({ device });
}

/** @throws RangeError for a precision that is none. */
export function checkDtype({ dtype = "auto" }: LoadOptions): void {
  if (!DTYPES.includes(dtype))
    throw new RangeError(`dtype: expected one of ${DTYPES.join(", ")}, got ${JSON.stringify(dtype)}`);
}

/** Opens a network's folder: `config.json` and the weights named `stem`. */
export async function openNetwork(source: ModelSource, stem: string, options: LoadOptions): Promise<NetworkParts> {
  const { variant, signal } = options;
  checkDtype(options);
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
    operators: operatorsFor(backend.device),
  };
}

/** Tells the caller of tensors that the network has no place for: they may mean that config.json is another model's. */
export function warnOfUnused(tensors: readonly string[], location: string, { onWarning }: LoadOptions): void {
  if (tensors.length === 0) return;
  onWarning?.({ code: "unused-tensors", message: `${location}: the network has no place for ${listedNames(tensors)}` });
}
