import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Tensor, tensor } from "latentkit";

/** One emoji of the training data. */
export interface Entry {
  readonly label: string;
  readonly keywords: readonly string[];
}

/** The training data as `data.py` writes it. */
export interface BasePictures {
  readonly catalog: readonly Entry[];
  /** Side of the pictures that the model draws. */
  readonly size: number;
  /** Emoji `i` over a colour, `[1, 3, size, size]` in [-1, 1]. */
  over(i: number, colour: readonly number[]): Tensor;
}

/** Reads `catalog.json` and `pictures.npy`: premultiplied RGBA of twice the size, `[emoji, 4, 2·size, 2·size]`. */
export async function readBasePictures(run: string): Promise<BasePictures> {
  const catalog: Entry[] = JSON.parse(await readFile(join(run, "catalog.json"), "utf8"));
  const { data, side } = await readPictures(join(run, "pictures.npy"));
  const area = side * side;
  return {
    catalog,
    size: side / 2,
    over: (i, colour) => compose(data.subarray(4 * area * i, 4 * area * (i + 1)), side, colour),
  };
}

/** A `.npy` file: magic and version, the length of its header, the header, the values. */
async function readPictures(path: string): Promise<{ data: Uint8Array; side: number }> {
  const bytes = await readFile(path);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  const side = Number(/'descr': '\|u1'.*'shape': \(\d+, 4, (\d+), \1\)/.exec(header)?.[1]);
  if (!side) throw new Error(`${path}: expected uint8 pictures [emoji, 4, side, side], got ${header.trim()}`);
  return { data: bytes.subarray(start), side };
}

/** Halves a premultiplied picture and lays it over a colour: c + (1 − α)·colour. */
function compose(rgba: Uint8Array, side: number, colour: readonly number[]): Tensor {
  const size = side / 2;
  const mean = (channel: number, x: number, y: number) => {
    const at = channel * side * side + 2 * y * side + 2 * x;
    return (rgba[at]! + rgba[at + 1]! + rgba[at + side]! + rgba[at + side + 1]!) / (4 * 255);
  };
  const values = new Float32Array(3 * size * size);
  for (let i = 0; i < values.length; i++) {
    const channel = Math.floor(i / (size * size));
    const [x, y] = [i % size, Math.floor(i / size) % size];
    const behind = (1 - mean(3, x, y)) * ((colour[channel] ?? 0) / 255);
    values[i] = (mean(channel, x, y) + behind) * 2 - 1;
  }
  return tensor(values, [1, 3, size, size]);
}
