import { type CannyOptions, canny } from "./canny.js";
import { greyImage } from "./grey.js";
import type { Pixels } from "./pixels.js";
import type { RgbaImage } from "./rgba-image.js";

/** Which edges become lines, and how thick. */
export interface ScribbleOptions extends CannyOptions {
  /** Of the lines, in pixels; odd. @default 5 */
  readonly thickness?: number;
}

/**
 * Thick white lines on black along the edges of a picture, as if drawn by hand, for ControlNets of scribbles. Alpha has no say.
 * `scribbleFromDrawing` takes a drawing.
 *
 * @throws RangeError for a thickness that is no odd number from 1 up, and as `canny` does.
 * @example
 * ```ts
 * const condition = scribble(await loadImage("photo.png"), { thickness: 7 });
 * ```
 */
export function scribble(image: Pixels, { thickness = 5, ...edges }: ScribbleOptions = {}): RgbaImage {
  if (!(Number.isInteger(thickness) && thickness % 2 === 1 && thickness > 0))
    throw new RangeError(`thickness: expected an odd number from 1 up, got ${thickness}`);
  const { width, height } = image;
  const lines = canny(image, edges);
  const isLine = new Uint8Array(width * height);
  const reach = (thickness - 1) / 2;
  for (let i = 0; i < isLine.length; i++) if (lines.data[4 * i] === 255) drawDisc(isLine, lines, i, reach);
  return greyImage(image, (x, y) => (isLine[y * width + x] ? 255 : 0));
}

/** Marks the pixels around one, cut off at the borders. */
function drawDisc(marks: Uint8Array, { width, height }: Pixels, center: number, reach: number): void {
  const [row, column] = [Math.floor(center / width), center % width];
  for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, height - 1); y++) {
    const half = Math.floor(Math.sqrt((reach + 0.5) ** 2 - (y - row) ** 2));
    marks.fill(1, y * width + Math.max(column - half, 0), y * width + Math.min(column + half, width - 1) + 1);
  }
}

/**
 * A drawing with dark lines on a bright ground, as the white lines on black that ControlNets of scribbles know: white where
 * a colour of a pixel is below 127 (the authors' `gradio_scribble2image.py`). Alpha has no say.
 *
 * @example
 * ```ts
 * const condition = scribbleFromDrawing(await loadImage("drawing.png"));
 * ```
 */
export function scribbleFromDrawing(drawing: Pixels): RgbaImage {
  const { width, data } = drawing;
  const darkest = (i: number) => Math.min(data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!);
  return greyImage(drawing, (x, y) => (darkest(y * width + x) < 127 ? 255 : 0));
}
