import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { sharpPicture } from "../../../tests/sharp-picture.js";
import { coverImage, fillImage } from "./fit-image.js";
import type { Pixels } from "./pixels.js";

const sumAndHash = ({ data }: Pixels) => [
  [...data].reduce((total, byte) => total + byte, 0),
  createHash("sha256").update(data).digest("hex").slice(0, 16),
];

// Diffusers 0.40.0.dev0 with Pillow 12.3: VaeImageProcessor()._resize_and_fill and _resize_and_crop; sums and sha256
it.each([
  [
    [13, 7],
    [24, 24],
    [290554, "4c9c4f5fee19e9ca"],
    [298571, "12b43fe997c8759c"],
  ],
  [
    [30, 40],
    [24, 16],
    [222340, "327ab750ff152036"],
    [238330, "f73b472940dad8bf"],
  ],
  [
    [9, 1],
    [16, 16],
    [94656, "2a018d381a61042c"],
    [106960, "8c1688855384b4ac"],
  ],
  [
    [10, 10],
    [20, 20],
    [195572, "60977efba6c668ee"],
    [195572, "60977efba6c668ee"],
  ],
  [
    [12, 5],
    [11, 11],
    [54470, "e451311627069617"],
    [58977, "fac0f8bfe7d63630"],
  ],
] as const)("%j in %j", ([fromWidth, fromHeight], [width, height], filled, covered) => {
  const image = sharpPicture(fromWidth, fromHeight);
  expect(sumAndHash(fillImage(image, { width, height }))).toEqual(filled);
  expect(sumAndHash(coverImage(image, { width, height }))).toEqual(covered);
});
