import type { ModelFiles } from "@latentkit/core";
import { tryReadJson } from "@latentkit/hub";
import { type DeclaredValue, type ExportedGraph, openExportedGraph } from "@latentkit/onnx";
import type { Backend, Session } from "@latentkit/runtime";
import type { ExportRoles } from "./export-roles.js";
import { exportedSession } from "./exported-session.js";
import { findExport } from "./find-export.js";
import type { LoadOptions } from "./load-options.js";
import { type MatchedExport, matchRoles } from "./match-roles.js";
import { checkLoadOptions, openBackend } from "./open-network.js";

/** An export, and what its inputs and outputs are. */
export interface ExportedNetwork extends MatchedExport<DeclaredValue> {
  readonly graph: ExportedGraph;
  readonly roles: ExportRoles;
}

/** What a runner of an export begins with. */
export interface ExportParts {
  readonly network: ExportedNetwork;
  /** `config.json` of the folder; empty where the exporter wrote none. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where the configuration is or would be, for messages. */
  readonly configFile: string;
  /** Opens the graph as if it were this library's own. */
  readonly backend: Backend;
}

/** Opens the ONNX export in a network's folder. Undefined when there is none, or weights named `stem` too. */
export async function openExport(
  files: ModelFiles,
  stem: string,
  roles: ExportRoles,
  options: LoadOptions,
): Promise<ExportParts | undefined> {
  checkLoadOptions(options);
  options.signal?.throwIfAborted();
  const network = await exportedNetwork(files, stem, roles, options);
  if (!network) return undefined;
  const config = (await tryReadJson(files, "config.json")) ?? {};
  const backend = exportBackend(await openBackend(options), [network]);
  return { network, config, configFile: `${files.location}/config.json`, backend };
}

/** The export in a folder, with its weights found and its inputs and outputs understood. */
export async function exportedNetwork(
  files: ModelFiles,
  stem: string,
  roles: ExportRoles,
  options: LoadOptions,
): Promise<ExportedNetwork | undefined> {
  const file = await findExport(files, stem, options);
  if (!file) return undefined;
  const graph = await openExportedGraph(file, files);
  return { graph, roles, ...matchRoles(graph, roles, graph.location) };
}

/**
 * A backend whose sessions of exports have the names and types of this library's own graphs.
 *
 * @param adapt what is done to an export's session beyond that.
 */
export function exportBackend(
  backend: Backend,
  networks: readonly ExportedNetwork[],
  adapt: (session: Session, network: ExportedNetwork) => Session = (session) => session,
): Backend {
  const { name, device, onReopen } = backend;
  return {
    name,
    device,
    ...(onReopen && { onReopen }),
    async createSession(model) {
      const session = await backend.createSession(model);
      const network = networks.find(({ graph }) => graph === model);
      if (!network) return session;
      return adapt(exportedSession(session, network.roles, network.graph.location), network);
    },
  };
}

/** The length of an axis of an input or output, where it is fixed. */
export function fixedAxis({ inputs, outputs }: ExportedNetwork, name: string, axis: number): number | undefined {
  const match = [...inputs, ...outputs].find((candidate) => candidate.name === name);
  const length = match?.info.shape[axis];
  return typeof length === "number" ? length : undefined;
}
