import { slice, type TokenIds, tensor, tokenIds } from "@latentkit/core";
import { expect, it } from "vitest";
import { RowMemory } from "./row-memory.js";

/** A network that doubles ids, and writes down what it was run on. */
function doubler() {
  const seen: number[][] = [];
  const run = async (ids: TokenIds) => {
    seen.push([...ids.data]);
    return {
      out: tensor(
        Float32Array.from(ids.data, (id) => 2 * id),
        ids.shape,
      ),
    };
  };
  return { run, seen };
}

const texts = (...rows: readonly (readonly number[])[]) =>
  tokenIds(Int32Array.from(rows.flat()), [rows.length, rows[0]?.length ?? 0]);

it("runs the network on texts that it does not know, each once", async () => {
  const { run, seen } = doubler();
  const memory = new RowMemory(4);
  const first = await memory.recall(texts([1, 2], [3, 4], [1, 2]), "a", run);
  expect([...first.out!.data]).toEqual([2, 4, 6, 8, 2, 4]);
  const second = await memory.recall(texts([3, 4], [5, 6]), "a", run);
  expect([...second.out!.data]).toEqual([6, 8, 10, 12]);
  await memory.recall(texts([5, 6]), "b", run);
  expect(seen).toEqual([
    [1, 2, 3, 4],
    [5, 6],
    [5, 6],
  ]);
});

it("forgets what was used longest ago, and everything when told", async () => {
  const { run, seen } = doubler();
  const memory = new RowMemory(2);
  for (const id of [1, 2, 1, 3, 1, 2]) await memory.recall(texts([id]), "", run);
  expect(seen).toEqual([[1], [2], [3], [2]]);
  // more than it keeps
  const all = await memory.recall(texts([7], [8], [9]), "", run);
  expect([...all.out!.data]).toEqual([14, 16, 18]);
  memory.clear();
  await memory.recall(texts([9]), "", run);
  expect(seen.slice(4)).toEqual([[7, 8, 9], [9]]);
});

it("hands out copies, and keeps nothing of a run that failed", async () => {
  const { run, seen } = doubler();
  const memory = new RowMemory(2);
  const first = await memory.recall(texts([1], [2]), "", run);
  first.out!.data.fill(0);
  slice(first.out!, 0, 1).data.fill(7);
  expect([...(await memory.recall(texts([1], [2]), "", run)).out!.data]).toEqual([2, 4]);
  const failing = memory.recall(texts([3]), "", () => Promise.reject(new Error("no memory")));
  await expect(failing).rejects.toThrow("no memory");
  await memory.recall(texts([3]), "", run);
  expect(seen).toEqual([[1, 2], [3]]);
});
