import { isRemote, type Tensor } from "@latentkit/core";
import type { KeptValue, Value } from "@latentkit/runtime";

/** Whether a value is a tensor that is not here. */
export const isRemoteValue = (value: Value | KeptValue): value is Tensor => isRemote(value as Tensor);
