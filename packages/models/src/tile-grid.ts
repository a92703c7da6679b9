import { sizeOf, type Tensor, zeros } from "@latentkit/core";

/** Squares of one size that overlap: each begins `stride` after the one before. */
export interface Grid {
  readonly tile: number;
  readonly stride: number;
}

/** Part of a plane. */
interface Area {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Runs `run` on the tiles of `x`, and joins what it makes of them. Where two results overlap, the later one fades in
 * over the earlier one, linearly.
 *
 * @param x `[batch, channels, height, width]`
 * @param from tiles of `x`
 * @param to tiles of the result, as many times larger as `run` makes them
 */
export async function inTiles(
  x: Tensor,
  from: Grid,
  to: Grid,
  run: (tile: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  const [height = 0, width = 0] = x.shape.slice(2);
  const factor = to.stride / from.stride;
  let result: Tensor | undefined;
  let above: Tensor[] = [];
  for (let top = 0; top < height; top += from.stride) {
    const row: Tensor[] = [];
    for (let left = 0; left < width; left += from.stride) {
      const tile = await run(cut(x, { top, left, height: from.tile, width: from.tile }));
      fadeIn(tile, above[row.length], 2, to.tile - to.stride);
      fadeIn(tile, row.at(-1), 3, to.tile - to.stride);
      row.push(tile);
      result ??= zeros([...tile.shape.slice(0, 2), height * factor, width * factor]);
      paste(tile, result, { top: top * factor, left: left * factor, height: to.stride, width: to.stride });
    }
    above = row;
  }
  if (!result) throw new RangeError(`x: expected no empty axis, got [${x.shape.join(", ")}]`);
  return result;
}

/** An area of every plane, less what lies beyond the edges. */
function cut(x: Tensor, area: Area): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const rows = Math.min(area.height, height - area.top);
  const columns = Math.min(area.width, width - area.left);
  const tile = zeros([batch, channels, rows, columns]);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < rows; y++) {
      const start = (plane * height + area.top + y) * width + area.left;
      tile.data.set(x.data.subarray(start, start + columns), (plane * rows + y) * columns);
    }
  }
  return tile;
}

/** Writes the upper left of a tile over an area of every plane. */
function paste(tile: Tensor, target: Tensor, area: Area): void {
  const [batch = 0, channels = 0, rows = 0, columns = 0] = tile.shape;
  const [height = 0, width = 0] = target.shape.slice(2);
  const shown = Math.min(columns, area.width, width - area.left);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < Math.min(rows, area.height, height - area.top); y++) {
      const start = (plane * rows + y) * columns;
      const at = (plane * height + area.top + y) * width + area.left;
      target.data.set(tile.data.subarray(start, start + shown), at);
    }
  }
}

/** a·(1 − k / n) + b·(k / n) for the first n places of b and the last n of a, the tile before it along an axis. Changes b. */
function fadeIn(b: Tensor, a: Tensor | undefined, axis: 2 | 3, overlap: number): void {
  if (!a) return;
  const [length = 0, before = 0] = [b.shape[axis], a.shape[axis]];
  const n = Math.min(length, before, overlap);
  const inner = sizeOf(b.shape.slice(axis + 1));
  const outer = sizeOf(b.shape.slice(0, axis));
  for (let line = 0; line < outer; line++) {
    for (let k = 0; k < n; k++) {
      const [to, from] = [(line * length + k) * inner, (line * before + before - n + k) * inner];
      for (let i = 0; i < inner; i++) b.data[to + i] = a.data[from + i]! * (1 - k / n) + b.data[to + i]! * (k / n);
    }
  }
}
