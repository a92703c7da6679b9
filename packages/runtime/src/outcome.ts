import { LatentKitError, type LatentKitErrorCode } from "@latentkit/core";

/** How a call ended, in a form that crosses threads: structured cloning drops an error's code. */
export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: unknown; readonly code?: LatentKitErrorCode };

/** How `task` ends; never rejects. */
export async function outcomeOf<Result>(task: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { ok: true, result: await task() };
  } catch (error) {
    return LatentKitError.isInstance(error) ? { ok: false, error, code: error.code } : { ok: false, error };
  }
}

/** The result, or the error thrown again. */
export function resultOf<Result>(outcome: Outcome<Result>): Result {
  if (outcome.ok) return outcome.result;
  const { error, code } = outcome;
  if (code === undefined || !(error instanceof Error)) throw error;
  throw new LatentKitError(code, error.message, { cause: error.cause });
}
