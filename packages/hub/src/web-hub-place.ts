import { readJson } from "@latentkit/core";
import { givenUp, TemporaryFailure } from "./hub-failure.js";
import type { HubReference } from "./hub-reference.js";
import { modelComponents } from "./model-components.js";
import { neededFiles } from "./needed-files.js";
import { listModel, revisionOf } from "./web-listing.js";
import { findFile, isSmall } from "./web-model.js";
import type { WebPlace } from "./web-place.js";
import { checkQuota, storeFailure } from "./web-quota.js";
import { bytesHere } from "./web-stored-file.js";

/** A model of the Hub. */
export interface HubPlace {
  readonly place: WebPlace;
  /** The one file that it is, where it is no folder. */
  readonly file?: string;
}

/** Finds a model of the Hub: knows all its files at once, and so how much there is to download. */
export async function hubPlace(
  reference: HubReference,
  endpoint: string,
  around: Omit<WebPlace, "location" | "url">,
): Promise<HubPlace> {
  const { id, file } = reference;
  const { store, options } = around;
  const revision = revisionOf(reference, options);
  const location = `${endpoint}/${id}`;
  const access = { ...around.access, page: location, revision };
  const { commit, files } = await listModel({ endpoint, id, revision, access, store, options }).catch(giveUp);
  const place: WebPlace = {
    ...around,
    location,
    url: (name) => `${location}/resolve/${commit}/${name.split("/").map(encodeURIComponent).join("/")}`,
    listed: files,
    access,
  };
  const needed = file === undefined ? await neededOf(place) : [file];
  await announce(needed, place);
  const [only = "", ...others] = needed;
  const isSingle = others.length === 0 && only.endsWith(".safetensors") && options.subfolder === undefined;
  return isSingle ? { place, file: only } : { place };
}

function giveUp(error: unknown): never {
  throw error instanceof TemporaryFailure ? givenUp(error, "try again when the network is there") : storeFailure(error);
}

async function neededOf(place: WebPlace): Promise<readonly string[]> {
  const { listed = new Map(), options, location } = place;
  const isWhole = options.subfolder === undefined && listed.has("model_index.json");
  const index = isWhole ? await findFile("model_index.json", place) : undefined;
  const components = index && modelComponents(await readJson(index));
  return neededFiles([...listed.keys()], { ...options, components, place: location });
}

/** Counts what is needed and what of it is here, and whether the rest fits. */
async function announce(
  names: readonly string[],
  { listed, store, url, location: model, progress }: WebPlace,
): Promise<void> {
  if (!store) return;
  let missing = 0;
  for (const name of names.filter((name) => !isSmall(name))) {
    const version = listed?.get(name);
    if (!version) continue;
    const here = await bytesHere(store, { url: url(name), model, ...version });
    progress.add(name, version.size, here);
    missing += version.size - here;
  }
  await checkQuota(missing);
}
