import type { Quantization } from "./quantization.js";

/** How weights are packed, with everything settled. */
export type PackedForm = Required<Quantization>;

/** A matrix whose weights are packed as ONNX Runtime's `MatMulNBits` takes them. */
export interface PackedMatrix {
  /** `[rows, blocks, blockSize · bits / 8]`; the last block of a row is filled up with zeros. */
  readonly values: Uint8Array<ArrayBuffer>;
  /** `[rows · blocks]` */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** How many blocks a row of that many weights takes. */
export function blocksOf(columns: number, { blockSize }: PackedForm): number {
  return Math.ceil(columns / blockSize);
}

/** Bytes of one block. */
export function blockBytes({ bits, blockSize }: PackedForm): number {
  return (blockSize * bits) / 8;
}

/**
 * Packs a matrix by rows. In each block the weight of the largest magnitude is the lowest integer, −2^(bits − 1), exactly;
 * integers are stored from 0, two to a byte where they have 4 bits, the lower half first.
 *
 * @param round what a scale becomes where it is stored, such as the nearest float16.
 */
export function packMatrix(
  weights: Float32Array,
  columns: number,
  form: PackedForm,
  round: (scales: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer> = (scales) => scales,
): PackedMatrix {
  const rows = weights.length / columns;
  const blocks = blocksOf(columns, form);
  const scales = round(blockScales(weights, columns, form));
  const bytes = blockBytes(form);
  const { pack, zero } = form.bits === 8 ? { pack: packBytes, zero: 0x80 } : { pack: packNibbles, zero: 0x88 };
  const values = new Uint8Array(rows * blocks * bytes).fill(zero);
  eachBlock(weights.length, columns, form, (block, from, to) =>
    pack(weights, from, to, scales[block]!, values, block * bytes),
  );
  return { values, scales };
}

/** Calls `use` with every block's number and the range of its weights. */
function eachBlock(
  length: number,
  columns: number,
  { blockSize }: PackedForm,
  use: (block: number, from: number, to: number) => void,
): void {
  let block = 0;
  for (let row = 0; row < length; row += columns)
    for (let column = 0; column < columns; column += blockSize)
      use(block++, row + column, row + Math.min(column + blockSize, columns));
}

function blockScales(weights: Float32Array, columns: number, form: PackedForm): Float32Array<ArrayBuffer> {
  const scales = new Float32Array((weights.length / columns) * blocksOf(columns, form));
  const lowest = -(2 ** (form.bits - 1));
  eachBlock(weights.length, columns, form, (block, from, to) => {
    scales[block] = extreme(weights, from, to) / lowest;
  });
  return scales;
}

/** The weight of the largest magnitude, with its sign; NaN where there is one, for the network to show it. */
function extreme(weights: Float32Array, from: number, to: number): number {
  let low = 0;
  let high = 0;
  for (let i = from; i < to; i++) {
    const weight = weights[i]!;
    if (weight < low) low = weight;
    else if (weight > high) high = weight;
    else if (Number.isNaN(weight)) return weight;
  }
  return high > -low ? high : low;
}

type Pack = (weights: Float32Array, from: number, to: number, scale: number, target: Uint8Array, at: number) => void;

const packBytes: Pack = (weights, from, to, scale, target, at) => {
  const factor = scale === 0 ? 0 : 1 / scale;
  for (let i = from; i < to; i++) {
    const stored = (weights[i]! * factor + 128.5) | 0;
    target[at + i - from] = stored > 255 ? 255 : stored;
  }
};

const packNibbles: Pack = (weights, from, to, scale, target, at) => {
  const factor = scale === 0 ? 0 : 1 / scale;
  for (let i = from; i < to; i += 2) {
    const first = (weights[i]! * factor + 8.5) | 0;
    const second = i + 1 < to ? (weights[i + 1]! * factor + 8.5) | 0 : 8;
    target[at + ((i - from) >> 1)] = (first > 15 ? 15 : first) | ((second > 15 ? 15 : second) << 4);
  }
};
