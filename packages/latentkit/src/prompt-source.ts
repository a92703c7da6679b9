import type { RunOptions } from "@latentkit/pipelines";
import type { BatchPrompt } from "./batch-caller.js";
import { type Parcel, pack } from "./parcel.js";

/** The prompts of a batch on the caller's side of a worker. */
export interface PromptSource<Item> {
  /** The next one as it crosses; undefined when there is none. Never rejects. */
  take(): Promise<Parcel<BatchPrompt> | undefined>;
  /** One that was taken and is not over. */
  at(index: number): Item | undefined;
  /** The same, which is over. */
  over(index: number): Item;
  /** @throws what the source ended with, when that was an error. */
  throwFailure(): void;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** @throws TypeError for what cannot be gone through. */
export function promptSource<Item>(prompts: Iterable<Item> | AsyncIterable<Item>): PromptSource<Item> {
  const iterator = iteratorOf(prompts);
  const items = new Map<number, Item>();
  let count = 0;
  let isWaiting = false;
  let failure: { readonly error: unknown } | undefined;

  async function pull(): Promise<Parcel<BatchPrompt> | undefined> {
    isWaiting = true;
    const { done, value } = await iterator.next();
    isWaiting = false;
    if (done) return undefined;
    const index = count++;
    items.set(index, value);
    return packed(value, `prompts[${index}]`);
  }

  return {
    async take() {
      try {
        return await pull();
      } catch (error) {
        failure = { error };
        return undefined;
      }
    },
    at: (index) => items.get(index),
    over(index) {
      const item = items.get(index) as Item;
      items.delete(index);
      return item;
    },
    throwFailure() {
      if (failure) throw failure.error;
    },
    async close() {
      const closed = Promise.resolve(iterator.return?.());
      // a source that is waited for need not answer
      closed.catch(() => undefined);
      if (!isWaiting && !failure) await closed;
    },
  };
}

/** A prompt without what cannot cross but is called from there. */
async function packed(item: unknown, name: string): Promise<Parcel<BatchPrompt>> {
  // also what is none, which the pipeline there refuses
  if (!(item instanceof Object)) return { content: { item, hears: {} } };
  const { onStep, onWarning, signal: _, ...own }: RunOptions = item;
  const { content } = await pack(own, name);
  return { content: { item: content, hears: { onStep: !!onStep, onWarning: !!onWarning } } };
}

function iteratorOf<Item>(prompts: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  if (typeof prompts === "object" && prompts !== null) {
    if (Symbol.asyncIterator in prompts) return prompts[Symbol.asyncIterator]();
    if (Symbol.iterator in prompts) return prompts[Symbol.iterator]();
  }
  throw new TypeError(`prompts: expected an iterable such as ["a red apple"], got ${typeof prompts}`);
}
