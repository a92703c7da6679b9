import { contiguous, ndarray, type Tensor } from "@latentkit/core";
import type { Value, ValueInfo } from "@latentkit/runtime";
import type { InputRole } from "./export-roles.js";
import type { Matched } from "./match-roles.js";
import { convertValue } from "./value-types.js";

/** Some items of a batch, from `from` up to `to` (exclusive), which may lie beyond its end. */
export interface Items {
  readonly batch: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Some items of a batch as an export takes them; the last one is repeated where there are too few.
 *
 * @param location the export's file, for messages.
 * @throws TypeError when an input is missing, RangeError for a size that the export does not have.
 */
export function exportedFeeds(
  feeds: Readonly<Record<string, Value>>,
  inputs: readonly Matched<ValueInfo, InputRole>[],
  items: Items,
  location: string,
): Record<string, Value> {
  const given = inputs.map(({ name, info, role }): [string, Value] => {
    const value = feeds[name];
    if (!value) throw new TypeError(`feeds: "${name}" is missing; ${location} takes it`);
    const isWhole = items.from === 0 && items.to === items.batch;
    const part = isWhole || value.shape[0] !== items.batch ? ordered(value) : rows(value, items);
    const shaped = role.axes === "steps" ? timesteps(part, info, location) : part;
    checkFixed(shaped, info, location);
    return [info.name, convertValue(shaped, info.type)];
  });
  return Object.fromEntries(given);
}

/** Whether an input takes one timestep for all items. */
export function takesOneTimestep({ shape }: ValueInfo): boolean {
  return shape.length === 0 || shape[0] === 1;
}

function ordered(value: Value): Value {
  return isFloat(value) ? contiguous(value) : value;
}

/** The items, copied: a feed is the caller's again while later items wait for their run. */
function rows(value: Value, { batch, from, to }: Items): Value {
  const { data, shape } = ordered(value);
  const size = data.length / batch;
  const length = (to - from) * size;
  const place = (i: number) => Math.min(from + Math.floor(i / size), batch - 1) * size + (i % size);
  const taken = [to - from, ...shape.slice(1)];
  if (data instanceof BigInt64Array)
    return ndarray(
      BigInt64Array.from({ length }, (_, i) => data[place(i)]!),
      taken,
    );
  if (data instanceof Int32Array)
    return ndarray(
      Int32Array.from({ length }, (_, i) => data[place(i)]!),
      taken,
    );
  return ndarray(
    Float32Array.from({ length }, (_, i) => Number(data[place(i)])),
    taken,
  );
}

function isFloat(value: Value): value is Tensor {
  return value.data instanceof Float32Array;
}

/** One timestep for all or one for each item, as many as the export takes. */
function timesteps({ data }: Value, info: ValueInfo, location: string): Value {
  const values = Array.from<number | bigint, number>(data, Number);
  const [length = 1] = info.shape;
  const isFree = info.shape.length === 1 && typeof length !== "number";
  const count = isFree ? values.length : Number(length);
  if (count !== values.length && values.some((value) => value !== values[0])) {
    const message = `timestep: ${location} takes ${count} for a run, got ${values.join(", ")}; pass one for all items`;
    throw new RangeError(message);
  }
  const repeated = Float32Array.from({ length: count }, (_, i) => values[i] ?? values[0] ?? 0);
  return ndarray(repeated, info.shape.length === 0 ? [] : [count]);
}

/** @throws RangeError for a length that a graph with fixed axes does not have. */
function checkFixed({ shape }: Value, { name, shape: fixed }: ValueInfo, location: string): void {
  if (fixed.every((axis, i) => typeof axis !== "number" || axis === shape[i])) return;
  const message = `${location}: its input "${name}" is fixed to [${fixed.join(", ")}], got [${shape.join(", ")}]`;
  throw new RangeError(`${message}; take that size, or export the network with dynamic axes`);
}
