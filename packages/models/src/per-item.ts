import { ndarray, type Tensor, tensor } from "@latentkit/core";
import type { Value } from "@latentkit/runtime";

/** A timestep for the whole batch, or one per item, as a network's input. @throws RangeError for anything but finite numbers. */
export function timestepInput(timestep: number | readonly number[], batch: number): Tensor {
  const values = valuesPerItem("timestep", typeof timestep === "number" ? [timestep] : timestep, batch);
  return tensor(Float32Array.from(values), [values.length]);
}

/** A class label for the whole batch, or one per item. @throws RangeError unless all are integers below `classes`. */
export function labelInput(values: readonly number[], batch: number, classes: number): Value {
  if (!values.every((label) => Number.isInteger(label) && label >= 0 && label < classes))
    throw new RangeError(`classLabels: expected integers from 0 to ${classes - 1}, got ${values.join(", ")}`);
  const labels = valuesPerItem("classLabels", values, batch);
  return ndarray(BigInt64Array.from(labels, BigInt), [labels.length]);
}

/** @throws RangeError unless there are 1 or `batch` numbers, all finite. */
export function valuesPerItem(name: string, values: readonly number[], batch: number): readonly number[] {
  if (!values.every(Number.isFinite))
    throw new RangeError(`${name}: expected finite numbers, got ${values.join(", ")}`);
  if (values.length !== 1 && values.length !== batch)
    throw new RangeError(`${name}: expected 1 or ${batch} values, got ${values.length}`);
  return values;
}
