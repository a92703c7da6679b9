import { transfer } from "comlink";
import { buffersOf } from "./parcel.js";
import type { WorkerOutcome } from "./worker-outcome.js";

/** An outcome whose memory moves with it. */
export function handedOver<Result extends { readonly content: unknown }>(
  outcome: WorkerOutcome<Result>,
): WorkerOutcome<Result> {
  return outcome.ok ? transfer(outcome, buffersOf(outcome.result)) : outcome;
}
