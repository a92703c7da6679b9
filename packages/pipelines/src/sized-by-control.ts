import type { LatentCodec } from "@latentkit/models";
import { type ControlImages, sizeOfControl } from "./control-images.js";
import type { PreparedRun } from "./run.js";
import type { LatentsOptions, SizeOptions } from "./sampling-options.js";
import { type Ready, whenReady } from "./when-ready.js";

/**
 * A run whose size, where it is not given, is that of the picture that steers it, cut to multiples of
 * 8 pixels; or of the latents that it begins from.
 *
 * @param multiple of which the sides have to be beside that.
 */
export function sizedByControl<Options extends SizeOptions & LatentsOptions>(
  options: Options,
  images: ControlImages,
  { scaleFactor }: LatentCodec,
  prepare: (options: Options) => Ready<PreparedRun>,
  multiple = 8,
): Ready<PreparedRun> {
  const { height, width, latents } = options;
  if (height !== undefined && width !== undefined) return prepare(options);
  if (latents) {
    const [, , rows = 0, columns = 0] = latents.shape;
    return prepare({ ...options, height: height ?? rows * scaleFactor, width: width ?? columns * scaleFactor });
  }
  return whenReady(prepare(options), (run) => ({
    ...run,
    async *states(tools) {
      const size = await sizeOfControl(images, Math.max(multiple, scaleFactor), { height, width });
      const sized = await prepare({ ...options, ...size });
      return yield* sized.states(tools);
    },
  }));
}
