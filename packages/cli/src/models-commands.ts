import { createInterface } from "node:readline/promises";
import { byteText, type HubWarning } from "@latentkit/hub";
import { browseModel, type CachedModel, cachedModels, downloadModel, removeModel } from "@latentkit/hub/node";
import { LatentKitError } from "latentkit";
import { describeModel } from "./describe-model.js";
import { descriptionText } from "./description-text.js";
import { downloadBar } from "./download-bar.js";
import { interruptible } from "./interruptible.js";
import { createProgress, type Progress } from "./progress.js";
import { table } from "./table.js";

/** Flags of all commands about models. */
export interface ModelsFlags {
  readonly json?: boolean;
  readonly cacheDir?: string;
}

/** Flags of `pull`. */
export interface PullFlags extends ModelsFlags {
  readonly revision?: string;
  readonly variant?: string;
  readonly token?: string;
  readonly all?: boolean;
}

/** Flags of `info`. */
export type InfoFlags = Omit<PullFlags, "all">;

/** Flags of `rm`. */
export interface RemoveFlags extends ModelsFlags {
  readonly revision?: string;
  readonly yes?: boolean;
}

/** `latentkit models list`: the models in the cache. */
export async function listModels({ json, ...options }: ModelsFlags): Promise<void> {
  const models = await cachedModels(options);
  if (json) print({ models });
  else if (models.length === 0)
    process.stderr.write("no models are downloaded yet: latentkit models pull OWNER/NAME\n");
  else
    process.stdout.write(table([["MODEL", "SIZE", "REVISION", "LAST USED", "PATH"], ...models.flatMap(rowsOf)], [1]));
}

function rowsOf({ id, path, size, incomplete, lastUsed, revisions }: CachedModel): readonly (readonly string[])[] {
  const day = lastUsed.toISOString().slice(0, 10);
  const rows = revisions.map(({ commit, refs, ...revision }) => [
    id,
    byteText(revision.size),
    [...refs, commit.slice(0, 8)].join(" "),
    day,
    revision.path,
  ]);
  if (incomplete > 0) rows.push([id, byteText(incomplete), "(not complete)", day, path]);
  return rows.length > 0 ? rows : [[id, byteText(size), "(empty)", day, path]];
}

/** `latentkit models pull`: downloads a model, and tells where it is. */
export async function pullModel(model: string, { json, ...options }: PullFlags): Promise<void> {
  const result = await attended(async (signal, progress) =>
    downloadModel(model, { ...options, signal, onProgress: downloadBar(progress), onWarning: warningTo(progress) }),
  );
  if (json) print(result);
  else process.stdout.write(`${result.path}\n`);
}

/** `latentkit models rm`: removes a model, after a question where somebody can answer it. */
export async function removeModels(id: string, { json, yes, ...options }: RemoveFlags): Promise<void> {
  const isAsked = !yes && !json && process.stdin.isTTY && process.stderr.isTTY;
  if (isAsked && !(await isConfirmed(id, options))) {
    throw new LatentKitError("run-failed", `${id} was kept`);
  }
  const { freed, paths } = await removeModel(id, options);
  if (json) return print({ freed, paths });
  process.stdout.write(paths.map((path) => `${path}\n`).join(""));
  process.stderr.write(`${byteText(freed)} freed\n`);
}

async function isConfirmed(id: string, { revision, ...options }: RemoveFlags): Promise<boolean> {
  const model = (await cachedModels(options)).find((candidate) => candidate.id === id);
  // that it is not there is told by the removal
  if (!model) return true;
  const what = revision === undefined ? `${id} (${byteText(model.size)})` : `revision ${revision} of ${id}`;
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await questions.question(`remove ${what}? [y/N] `);
  questions.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** `latentkit models info`: what a model is, without downloading it. */
export async function tellModel(source: string | undefined, { json, variant, ...options }: InfoFlags): Promise<void> {
  const description = await attended(async (signal, progress) => {
    const asked = { ...options, ...(variant !== undefined && { variant }) };
    const onProgress = downloadBar(progress);
    const files = await browseModel(source, { ...asked, signal, onProgress, onWarning: warningTo(progress) });
    return describeModel(files, { source, variant });
  });
  if (json) print(description);
  else process.stdout.write(descriptionText(description));
}

/** Runs what may take a while: with progress on stderr, and an end by Ctrl-C. */
async function attended<T>(task: (signal: AbortSignal, progress: Progress) => Promise<T>): Promise<T> {
  const progress = createProgress(process.stderr);
  try {
    return await interruptible((signal) => task(signal, progress));
  } finally {
    progress.stop();
  }
}

function warningTo(progress: Progress): (warning: HubWarning) => void {
  return ({ message }) => progress.note(`warning: ${message}`);
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
