import { concat, type Tensor } from "@latentkit/core";

/** The items of a batch again and again, until there are `count`: a, b → a, b, a, b. @throws RangeError when they do not come out even. */
export function inTurn(value: Tensor, count: number, name: string): Tensor {
  const [have = 0] = value.shape;
  if (have === count) return value;
  checkInTurn(have, count, name);
  return concat(new Array<Tensor>(count / have).fill(value));
}

/** @throws RangeError unless `have` pictures can be gone through in turn for the `count` of a run. */
export function checkInTurn(have: number, count: number, name: string): void {
  if (have > 0 && count % have === 0) return;
  throw new RangeError(`${name}: expected 1 picture or as many as divide the ${count} of this run, got ${have}`);
}
