import { describe, expect, it } from "vitest";
import { LatentKitError } from "./index.js";

describe("LatentKitError", () => {
  it("carries a code, a message and the error underneath", () => {
    const cause = new Error("ENOENT");
    const error = new LatentKitError("file-not-found", "no such folder: models/x", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "LatentKitError",
      code: "file-not-found",
      message: "no such folder: models/x",
      cause,
    });
    expect(String(error)).toBe("LatentKitError: no such folder: models/x");
  });

  it("is told apart from other errors, also when another copy of the package made it", () => {
    const foreign = Object.assign(new Error("elsewhere"), { name: "LatentKitError", code: "disposed" });
    expect(LatentKitError.isInstance(new LatentKitError("disposed", "the pipeline is disposed"))).toBe(true);
    expect(LatentKitError.isInstance(foreign)).toBe(true);
    for (const other of [
      new Error("x"),
      new RangeError("x"),
      { name: "LatentKitError", code: "disposed" },
      null,
      undefined,
      "x",
    ]) {
      expect(LatentKitError.isInstance(other)).toBe(false);
    }
  });
});
