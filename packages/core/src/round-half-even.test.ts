import { expect, it } from "vitest";
import { roundHalfEven } from "./round-half-even.js";

// python -c 'print([round(x) for x in (0.5, 1.5, 2.5, 198.5, 999.5, -0.5, -1.5, 2.49, 2.51)])'
it("takes the even one of two integers that are equally near", () => {
  const values = [0.5, 1.5, 2.5, 198.5, 999.5, -0.5, -1.5, 2.49, 2.51].map((value) => roundHalfEven(value) + 0);
  expect(values).toEqual([0, 2, 2, 198, 1000, 0, -2, 2, 3]);
});
