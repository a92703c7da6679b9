/** What went wrong outside the caller's control. */
export type LatentKitErrorCode =
  | "file-not-found"
  | "download-failed"
  | "unsupported-model"
  | "invalid-checkpoint"
  | "invalid-image"
  | "backend-unavailable"
  | "out-of-memory"
  | "run-failed"
  | "device-lost"
  | "disposed";

/**
 * A failure of the world rather than of the caller: a missing file, a broken checkpoint, an absent backend.
 * The message says what to do; `cause` holds the error underneath.
 *
 * @example
 * ```ts
 * try {
 *   await StableDiffusionPipeline.fromPretrained("./no-such-folder");
 * } catch (error) {
 *   if (LatentKitError.isInstance(error)) error.code; // "file-not-found"
 * }
 * ```
 */
export class LatentKitError extends Error {
  override readonly name = "LatentKitError";
  readonly code: LatentKitErrorCode;

  constructor(code: LatentKitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Whether `value` is a `LatentKitError`, also one made by another copy of this package. */
  static isInstance(value: unknown): value is LatentKitError {
    return value instanceof Error && value.name === "LatentKitError" && "code" in value;
  }
}
