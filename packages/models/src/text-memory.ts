import { contiguous, type Tensor, tensor } from "@latentkit/core";
import type { Feeds } from "@latentkit/runtime";

/** Guidance asks for two texts in turn: both halves of the context, or all of it and the prompts alone. */
const CAPACITY = 2;

/** What a network made of the latest texts. */
export interface TextMemory {
  /**
   * Runs something with what is made of a text, which is there already or still to come, and stays until the run ends.
   * A text is known by its values.
   */
  use<Result>(text: Tensor, run: (made: Feeds | Promise<Feeds>) => Promise<Result>): Promise<Result>;
  /** Forgets everything. Ends when nobody uses it any more, and it is freed. */
  clear(): Promise<void>;
}

interface Entry {
  readonly text: Tensor;
  made: Feeds | Promise<Feeds>;
  /** Ends when nobody uses it. */
  idle: Promise<void>;
}

/** @param make what is remembered for each text; values that it keeps on a device are freed in time. */
export function textMemory(make: (text: Tensor) => Promise<Feeds>): TextMemory {
  /** In the order of their last use. */
  const entries: Entry[] = [];
  let freed = Promise.resolve();

  function begin(text: Tensor): Entry {
    const own = tensor(contiguous(text).data.slice(), text.shape);
    const made = make(own);
    const entry: Entry = { text: own, made, idle: Promise.resolve() };
    made.then(
      (feeds) => {
        entry.made = feeds;
      },
      () => take(entry),
    );
    return entry;
  }

  function take(entry: Entry): Entry {
    if (entries.includes(entry)) entries.splice(entries.indexOf(entry), 1);
    return entry;
  }

  function forget(entry: Entry): void {
    freed = Promise.all([freed, free(take(entry))]).then(() => undefined);
  }

  return {
    use(text, run) {
      const known = entries.find((entry) => isSame(entry.text, text));
      const entry = known ? take(known) : begin(text);
      entries.push(entry);
      if (entries.length > CAPACITY) forget(entries[0]!);
      const result = run(entry.made);
      entry.idle = Promise.allSettled([entry.idle, result]).then(() => undefined);
      return result;
    },
    clear() {
      for (const entry of [...entries]) forget(entry);
      return freed;
    },
  };
}

/** Frees what is kept on a device. */
async function free(entry: Entry): Promise<void> {
  await entry.idle;
  try {
    const values = Object.values(await entry.made);
    await Promise.all(values.map((value) => "dispose" in value && value.dispose()));
  } catch {
    // it was never made, or is gone with its device
  }
}

function isSame(a: Tensor, b: Tensor): boolean {
  if (a.shape.join() !== b.shape.join()) return false;
  const { data } = contiguous(b);
  for (let i = 0; i < data.length; i++) if (a.data[i] !== data[i]) return false;
  return true;
}
