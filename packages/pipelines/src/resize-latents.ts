import { contiguous, dims, type Tensor, tensor } from "@latentkit/core";

/** How new latents are mixed from old ones. */
export type LatentFilter = "nearest" | "bilinear";

/** Where one new position comes from: `1 - share` of `first`, and `share` of `second`. */
interface Mix {
  readonly first: number;
  readonly second: number;
  readonly share: number;
}

/**
 * Latents `[batch, channels, height, width]` in another size, as torch's `interpolate` makes them.
 *
 * @param size in latents, not in pixels.
 * @example
 * ```ts
 * resizeLatents(latents, { height: 96, width: 128 }, "bilinear").shape; // [1, 4, 96, 128]
 * ```
 */
export function resizeLatents(
  latents: Tensor,
  { height, width }: { readonly height: number; readonly width: number },
  filter: LatentFilter,
): Tensor {
  const { B, C, H, W } = dims(latents, "B C H W", "latents");
  const { data } = contiguous(latents);
  const [rows, columns] = [mixes(H, height, filter), mixes(W, width, filter)];
  const out = new Float32Array(B * C * height * width);
  for (let i = 0; i < out.length; i++) {
    const plane = Math.floor(i / (height * width)) * H * W;
    const [y, x] = [rows[Math.floor(i / width) % height]!, columns[i % width]!];
    const along = (row: number) =>
      data[plane + row * W + x.first]! * (1 - x.share) + data[plane + row * W + x.second]! * x.share;
    out[i] = along(y.first) * (1 - y.share) + along(y.second) * y.share;
  }
  return tensor(out, [B, C, height, width]);
}

function mixes(from: number, to: number, filter: LatentFilter): Mix[] {
  return Array.from({ length: to }, (_, i) => {
    const at = filter === "nearest" ? Math.floor((i * from) / to) : Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const first = Math.min(Math.floor(at), from - 1);
    return { first, second: Math.min(first + 1, from - 1), share: at - first };
  });
}
