import { InvalidArgumentError } from "commander";

/** Reads a finite number. */
export function finiteNumber(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError("Expected a number.");
  return value;
}

/** A reader of whole numbers of at least `least`. */
export function wholeNumber(least: number = Number.MIN_SAFE_INTEGER): (text: string) => number {
  const bound = least === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${least}`;
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Expected a whole number${bound}.`);
    }
    return value;
  };
}
