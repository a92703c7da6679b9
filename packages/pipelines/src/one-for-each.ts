/** A value for each of several networks: the same for all, or a list. @throws RangeError when there is another number of them. */
export function oneForEach<Value>(
  value: Value | readonly Value[],
  count: number,
  name: string,
  network: string,
): readonly Value[] {
  const list: readonly Value[] = Array.isArray(value) ? value : new Array<Value>(count).fill(value as Value);
  if (list.length === count) return list;
  throw new RangeError(`${name}: expected one value, or ${count}, one for each ${network}, got ${list.length}`);
}
