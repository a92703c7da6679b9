/** Makes one thing of each input, several at a time. */
export interface Worker<Input, Output> {
  /** The next input; undefined at the end. */
  next(): Promise<Input | undefined>;
  make(input: Input): Promise<Output>;
}

/**
 * What is made of the inputs, in their order, with at most so many begun and not yet handed out. What an input failed
 * with is thrown in its place.
 */
export async function* inOrder<Input, Output>(
  { next, make }: Worker<Input, Output>,
  most: number,
  signal: AbortSignal,
): AsyncGenerator<Output, void, undefined> {
  const begun: Promise<Output>[] = [];
  let pulling: Promise<void> | undefined;
  let isOver = false;

  async function pull(): Promise<void> {
    try {
      const input = await next();
      if (input === undefined) isOver = true;
      else begun.push(quiet(make(input)));
    } catch (error) {
      isOver = true;
      begun.push(quiet(Promise.reject(error)));
    }
    pulling = undefined;
  }

  const aborted = quiet(abortOf(signal));
  while (true) {
    if (!isOver && !pulling && begun.length < most) pulling = pull();
    const [first] = begun;
    if (!first && !pulling) return;
    const isMade = await Promise.race([aborted, settled(first, true), settled(pulling, false)]);
    if (!isMade) continue;
    begun.shift();
    yield await first!;
  }
}

/** The same promise; a failure that nobody waits for yet is no unhandled one. */
function quiet<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

function settled(promise: Promise<unknown> | undefined, what: boolean): Promise<boolean> {
  const tell = () => what;
  return promise ? promise.then(tell, tell) : new Promise(() => {});
}

function abortOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
