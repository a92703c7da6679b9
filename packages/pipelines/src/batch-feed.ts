/** What comes one after another, looked at before it is taken. */
export interface BatchFeed<Item> {
  /** The next few that go together: at most so many, and of those that are not there at once only the first. Empty at the end. */
  take(most: number, goTogether: (first: Item, other: Item) => boolean): Promise<readonly Item[]>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** @throws TypeError for what cannot be gone through. */
export function batchFeed<Item>(source: Iterable<Item> | AsyncIterable<Item>): BatchFeed<Item> {
  const iterator = iteratorOf(source);
  let coming: Promise<IteratorResult<Item>> | undefined;
  let isWaiting = false;

  function next(): Promise<IteratorResult<Item>> {
    coming ??= pull();
    return coming;
  }

  async function pull(): Promise<IteratorResult<Item>> {
    isWaiting = true;
    const result = await iterator.next();
    isWaiting = false;
    return result;
  }

  return {
    async take(most, goTogether) {
      const items: Item[] = [];
      while (items.length < most) {
        const [first] = items;
        const result = first === undefined ? await next() : await atOnce(next());
        if (!result || result.done || (first !== undefined && !goTogether(first, result.value))) break;
        items.push(result.value);
        coming = undefined;
      }
      return items;
    },
    async close() {
      const closed = Promise.resolve(iterator.return?.());
      // a source that is waited for need not answer
      closed.catch(() => {});
      if (!isWaiting) await closed;
    },
  };
}

function iteratorOf<Item>(source: Iterable<Item> | AsyncIterable<Item>): Iterator<Item> | AsyncIterator<Item> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new TypeError(`prompts: expected an iterable such as ["a red apple"], got ${typeof source}`);
}

/** What a promise gives, unless it has to be waited for. */
function atOnce<Value>(promise: Promise<Value>): Promise<Value | undefined> {
  // a failure is told of when the item is taken
  const settled = promise.catch(() => undefined);
  return Promise.race([settled, new Promise<undefined>((resolve) => setTimeout(resolve, 0, undefined))]);
}
