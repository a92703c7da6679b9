export { imageFromTensor, tensorFromImage } from "./image-tensor.js";
export { type ImageSource, loadImage } from "./load-image.js";
export { makeImageGrid } from "./make-image-grid.js";
export type { Pixels } from "./pixels.js";
export { type PngText, pngText } from "./png-text.js";
export { type ImageSize, resizeImage } from "./resize-image.js";
export { type PngOptions, RgbaImage } from "./rgba-image.js";
