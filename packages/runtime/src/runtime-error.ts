import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";

const outOfMemory =
  /bad_alloc|out of (device )?memory|not enough memory|failed to allocate|allocation failed|allocation size too large|available memory of|ALLOC_FAILED|E_OUTOFMEMORY|8007000E|memory limit|exceeds the max buffer size|SafeIntOnOverflow|\[Invalid Buffer|createBuffer failed/i;

/** What ONNX Runtime threw, as an error of this library: `code`, unless memory ran out. */
export function runtimeError(code: LatentKitErrorCode, what: string, cause: unknown): LatentKitError {
  if (LatentKitError.isInstance(cause)) return cause;
  const message = (cause instanceof Error ? cause.message : String(cause)).trim();
  return outOfMemory.test(message)
    ? new LatentKitError(
        "out-of-memory",
        `${what}: there is not enough memory; try a smaller picture, a smaller batch or a lower precision (${message})`,
        { cause },
      )
    : new LatentKitError(code, `${what}: ${message}`, { cause });
}
