import type { ModelFile, ModelFiles, ModelGraph } from "@latentkit/core";
import type { Dim } from "./graph-builder.js";

/** An input or output as a graph declares it. */
export interface DeclaredValue {
  readonly name: string;
  /** Empty for a number, and where the exporter wrote none. */
  readonly shape: readonly Dim[];
}

/** A graph that somebody exported. */
export interface ExportedGraph extends ModelGraph {
  /** Where it is, for messages. */
  readonly location: string;
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
}

/**
 * Opens an ONNX model as a graph whose weights stay in their files: those that it keeps inside become byte ranges of the
 * file itself, so that nothing but the nodes is read. Weights outside are looked for beside it.
 *
 * @throws LatentKitError `"invalid-checkpoint"` when it is no ONNX model or a file is cut short, `"file-not-found"` when weights are missing.
 * @example
 * ```ts
 * const file = await files.find("model.onnx");
 * const { inputs } = await openExportedGraph(file!, files); // [{ name: "sample", shape: ["batch", 4, "height", "width"] }, …]
 * ```
 */
export async function openExportedGraph(file: ModelFile, folder: ModelFiles): Promise<ExportedGraph> {
  // pages that open checkpoints do without it
  const { readExportedGraph } = await import("./read-exported-graph.js");
  return readExportedGraph(file, folder);
}
