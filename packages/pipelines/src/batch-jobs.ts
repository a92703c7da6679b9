import type { BatchFeed } from "./batch-feed.js";
import type { BatchItem, BatchPlace } from "./batch-options.js";

/** A run of a batch with all of its options. */
export interface BatchJob<Options> extends BatchPlace<Options> {
  readonly options: Options;
}

/**
 * Jobs as the feed gives them, those together that can be one run; undefined at its end.
 *
 * @param common options of all of them.
 */
export function jobsOf<Options>(
  feed: BatchFeed<BatchItem<Options>>,
  common: object,
  most: number,
): () => Promise<readonly BatchJob<Options>[] | undefined> {
  let count = 0;
  const job = (item: BatchItem<Options>, index: number): BatchJob<Options> => {
    const own = typeof item === "string" ? { prompt: item } : item;
    // what is common lacks the prompt alone, which each has
    return { index, item, options: { ...common, ...own } as Options };
  };
  return async () => {
    const items = await feed.take(most, (first, other) => goTogether(job(first, 0), job(other, 0)));
    const jobs = items.map((item, i) => job(item, count + i));
    count += jobs.length;
    return jobs.length > 0 ? jobs : undefined;
  };
}

/** What makes prompts different that go through the network together. */
const OWN = ["prompt", "negativePrompt", "seed"];
/** Options that hold something for each picture of a run. */
const FOR_EACH_PICTURE = /image|latents|embeds|random|batchSize|classLabels/i;

/** Whether two runs can be one: they differ in texts and seeds alone. */
function goTogether(first: BatchJob<unknown>, other: BatchJob<unknown>): boolean {
  const [a, b] = [entriesOf(first), entriesOf(other)];
  const keys = new Set([...a.keys(), ...b.keys()]);
  return [...keys].every((key) => (OWN.includes(key) ? isOneText(key, a) && isOneText(key, b) : isShared(key, a, b)));
}

const entriesOf = ({ options }: BatchJob<unknown>) =>
  new Map<string, unknown>(options instanceof Object ? Object.entries(options) : []);

function isOneText(key: string, options: ReadonlyMap<string, unknown>): boolean {
  const value = options.get(key);
  if (key === "seed") return true;
  return typeof value === "string" || (key === "negativePrompt" && value === undefined);
}

function isShared(key: string, a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean {
  if (a.get(key) !== b.get(key)) return false;
  return key === "numImagesPerPrompt" || a.get(key) === undefined || !FOR_EACH_PICTURE.test(key);
}

/** The options of one run for all of them. */
export function jointOptions<Options>(jobs: readonly BatchJob<Options>[]): Options {
  const [{ options }] = jobs as readonly [BatchJob<Options>];
  if (jobs.length === 1) return options;
  const all = jobs.map(entriesOf);
  const prompt = all.map((entries) => entries.get("prompt"));
  const negatives = all.map((entries) => entries.get("negativePrompt"));
  const isNegative = negatives.some((text) => text !== undefined);
  return { ...options, prompt, ...(isNegative && { negativePrompt: negatives.map((text) => text ?? "") }) };
}
