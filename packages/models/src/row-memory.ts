import { concat, slice, type Tensor, type TokenIds, tokenIds } from "@latentkit/core";

/** Tensors by name, each with a row for each text. */
type Rows = Readonly<Record<string, Tensor>>;

/** What a network gave for texts, each kept by itself: a text's rows do not depend on those beside it. */
export class RowMemory {
  readonly #capacity: number;
  /** In the order of their last use. */
  readonly #rows = new Map<string, Rows>();

  /** @param capacity how many texts are kept; the one that was used longest ago goes first. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * What the network gives for texts, run on those that are not known.
   *
   * @param ids `[texts, length]`.
   * @param how whatever else the result depends on.
   * @returns tensors of their own, `[texts, …]`.
   */
  async recall(ids: TokenIds, how: string, run: (ids: TokenIds) => Promise<Rows>): Promise<Rows> {
    const [count = 0, length = 0] = ids.shape;
    const texts = Array.from({ length: count }, (_, i) => ids.data.slice(i * length, (i + 1) * length));
    const keys = texts.map((text) => `${how} ${text}`);
    // held here, as there may be more of them than are kept
    const found = new Map(keys.flatMap((key) => [[key, this.#rows.get(key)] as const]));
    const missing = keys.filter((key, i) => !found.get(key) && keys.indexOf(key) === i);
    if (missing.length > 0) {
      const unknown = missing.flatMap((key) => [...texts[keys.indexOf(key)]!]);
      const made = await run(tokenIds(Int32Array.from(unknown), [missing.length, length]));
      for (const [i, key] of missing.entries()) found.set(key, rowOf(made, i));
    }
    for (const key of keys) this.#keep(key, found.get(key)!);
    return joined(keys.map((key) => found.get(key)!));
  }

  /** Forgets everything. */
  clear(): void {
    this.#rows.clear();
  }

  #keep(key: string, rows: Rows): void {
    this.#rows.delete(key);
    this.#rows.set(key, rows);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > this.#capacity && oldest !== undefined) this.#rows.delete(oldest);
  }
}

/** One text's rows, copied: a view would keep the others' memory too. */
const rowOf = (made: Rows, i: number): Rows =>
  Object.fromEntries(Object.entries(made).map(([name, value]) => [name, concat([slice(value, i, i + 1)])]));

const joined = (all: readonly Rows[]): Rows =>
  Object.fromEntries(Object.keys(all[0] ?? {}).map((name) => [name, concat(all.map((rows) => rows[name]!))]));
