import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";

/** How a call to a worker ended: structured cloning drops an error's code, and what it cannot copy. */
export type WorkerOutcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | {
      readonly ok: false;
      readonly error: PackedError;
      /** Whether the call ended because it was told to. */
      readonly isAborted: boolean;
    };

/** An error as plain data. */
export interface PackedError {
  readonly kind: "Error" | "DOMException" | "value";
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: LatentKitErrorCode;
  readonly cause?: PackedError;
}

/** How `task` ends; never rejects. */
export async function outcomeOf<Result>(
  task: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<WorkerOutcome<Result>> {
  try {
    return { ok: true, result: await task() };
  } catch (error) {
    const isAborted = signal?.aborted === true && error === signal.reason;
    return { ok: false, error: packError(error), isAborted };
  }
}

/** The result, or the error thrown again: the signal's own reason when the call was told to end. */
export function resultOf<Result>(outcome: WorkerOutcome<Result>, signal?: AbortSignal): Result {
  if (outcome.ok) return outcome.result;
  throw outcome.isAborted && signal?.aborted ? signal.reason : unpackError(outcome.error);
}

/** Causes of causes that are told. */
const DEPTH = 4;

/** What is told of an error. */
export function packError(error: unknown, depth: number = DEPTH): PackedError {
  if (!isError(error)) return { kind: "value", name: "", message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    kind: error instanceof DOMException ? "DOMException" : "Error",
    name,
    message,
    stack,
    ...(LatentKitError.isInstance(error) && { code: error.code }),
    ...(cause !== undefined && depth > 0 && { cause: packError(cause, depth - 1) }),
  };
}

/** The error that was told of, made anew. */
export function unpackError(packed: PackedError): unknown {
  if (packed.kind === "value") return packed.message;
  const error = madeAnew(packed);
  if (packed.stack !== undefined) Object.defineProperty(error, "stack", { value: packed.stack, configurable: true });
  return error;
}

const classes: Readonly<Record<string, ErrorConstructor>> = { Error, TypeError, RangeError, SyntaxError };

function madeAnew({ kind, name, message, code, cause }: PackedError): Error {
  const options = cause && { cause: unpackError(cause) };
  if (code !== undefined) return new LatentKitError(code, message, options);
  if (kind === "DOMException") return new DOMException(message, name);
  const known = classes[name];
  return known ? new known(message, options) : Object.assign(new Error(message, options), { name });
}

const isError = (error: unknown): error is Error => error instanceof Error || error instanceof DOMException;
