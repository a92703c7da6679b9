import type { ModelFiles } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type LoadOptions, openBackend, openFiles, readModelIndex, type TilingOptions } from "@latentkit/models";
import type { Disposable } from "./pipeline.js";
import { checkPipelineName } from "./pipeline-names.js";

/** How to open a checkpoint of several parts. */
export interface CheckpointOptions extends Omit<LoadOptions, "subfolder"> {
  /**
   * Lets the autoencoder work tile by tile on large pictures, so that its memory does not grow with them. True takes
   * tiles of the size that it was trained on. @default false
   */
  readonly vaeTiling?: boolean | TilingOptions;
}

/** How to open a checkpoint; parts given here are used in place of the checkpoint's own. */
export type PipelineLoadOptions<Components extends object> = CheckpointOptions & Partial<Components>;

/** A checkpoint of several parts. */
export interface PipelineFiles {
  readonly files: ModelFiles;
  /** Its `model_index.json`. */
  readonly index: Readonly<Record<string, unknown>>;
  readonly options: CheckpointOptions;
}

/** Where one part is. */
export interface ComponentSpec<Component> {
  /** Finds it in a checkpoint, and gives what opens it. @throws LatentKitError before anything is opened. */
  find(checkpoint: PipelineFiles): () => Promise<Component>;
  /** Whether a pipeline does without it. @default false */
  readonly isOptional?: boolean;
}

/** Where each part of a pipeline is. */
export type ComponentTable<Components> = {
  readonly [Name in keyof Components]-?: ComponentSpec<Components[Name]>;
};

/** A pipeline's parts, and those of them that were opened for it. */
export interface LoadedComponents<Components> {
  readonly components: Components;
  readonly owned: readonly Disposable[];
}

/** Opens the parts that a pipeline needs, one after the other. What was opened before an error is freed. */
export async function loadComponents<Components extends object>(
  pipeline: string,
  table: ComponentTable<Components>,
  source: ModelSource,
  options: PipelineLoadOptions<Components>,
): Promise<LoadedComponents<Components>> {
  const given = new Map<string, unknown>(Object.entries(options));
  checkTiling(options.vaeTiling, given.get("vae"), pipeline, "vae" in table);
  const without = Object.keys(table).filter((name) => given.get(name) !== undefined);
  const files = await openFiles(source, { ...options, without: without.map(folderName) });
  const index = await readModelIndex(files, options);
  checkPipelineName(pipeline, index);
  const checkpoint = { files, index, options: { ...options, backend: await openBackend(options) } };
  const loaders = Object.entries<ComponentSpec<unknown>>(table)
    .filter(([name]) => given.get(name) === undefined)
    .map(([name, spec]) => [name, spec.find(checkpoint)] as const);
  const own = without.map((name) => [name, given.get(name)]);
  const opened = await openAll(loaders, options.signal);
  const components = Object.fromEntries([...own, ...opened]) as Components;
  return { components, owned: disposables(opened) };
}

/** @throws TypeError for what says neither whether nor how, and where there is no autoencoder to tile. */
function checkTiling(vaeTiling: unknown, givenVae: unknown, pipeline: string, hasVae: boolean): void {
  if (vaeTiling === undefined || vaeTiling === false) return;
  if (vaeTiling !== true && !(vaeTiling instanceof Object))
    throw new TypeError(`vaeTiling: expected true, false or { tileSize, overlap }, got ${JSON.stringify(vaeTiling)}`);
  if (!hasVae) throw new TypeError(`vaeTiling: ${pipeline} has no autoencoder`);
  if (givenVae !== undefined) throw new TypeError("vaeTiling: expected nothing beside vae; pass vae: tiled(vae)");
}

/** `textEncoder2` is in `text_encoder_2`. */
const folderName = (component: string): string => component.replace(/[A-Z0-9]/g, (sign) => `_${sign.toLowerCase()}`);

async function openAll(
  loaders: readonly (readonly [string, () => Promise<unknown>])[],
  signal: AbortSignal | undefined,
): Promise<readonly (readonly [string, unknown])[]> {
  const opened: [string, unknown][] = [];
  try {
    for (const [name, open] of loaders) {
      signal?.throwIfAborted();
      opened.push([name, await open()]);
    }
    return opened;
  } catch (error) {
    await Promise.all(disposables(opened).map((part) => part.dispose()));
    throw error;
  }
}

/** A part may be several networks. */
const disposables = (opened: readonly (readonly [string, unknown])[]): readonly Disposable[] =>
  opened.flatMap(([, part]) => part).filter(isDisposable);

const isDisposable = (part: unknown): part is Disposable => part instanceof Object && "dispose" in part;
