import { isRecord, LatentKitError, type ModelFile } from "@latentkit/core";

/** Bytes per value of the element types that are read. */
const BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** Element types, as safetensors names them. */
export type SafetensorsType = keyof typeof BYTES;

/** One tensor of a checkpoint: a byte range of a file, little-endian and C-contiguous. */
export interface CheckpointTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly file: ModelFile;
  /** The file holds the matrix with its axes exchanged: `shape` is `[rows, columns]`, the bytes are `[columns, rows]`. */
  readonly transposed?: boolean;
}

/** What a `.safetensors` file says of itself. */
export interface SafetensorsHeader {
  readonly file: ModelFile;
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** Free text by key, such as a LoRA's training settings. */
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
const MAX_HEADER_BYTES = 100_000_000;

/**
 * Reads and checks the header of a `.safetensors` file; the tensors' bytes are not touched.
 * As the format demands, tensors must fill the rest of the file without gap or overlap.
 *
 * @throws LatentKitError `"invalid-checkpoint"` naming the file, the tensor and the fault, or `"unsupported-model"` for 8-bit floats.
 * @example
 * ```ts
 * const { tensors } = await readSafetensorsHeader(file);
 * tensors.get("conv_in.weight")?.shape; // [320, 4, 3, 3]
 * ```
 */
export async function readSafetensorsHeader(file: ModelFile): Promise<SafetensorsHeader> {
  const headerBytes = await readHeaderLength(file);
  const { __metadata__: metadata, ...entries } = await readHeaderJson(file, headerBytes);
  const start = LENGTH_BYTES + headerBytes;
  const tensors = Object.entries(entries).map(([name, entry]) => parseTensor(file, start, name, entry));
  tensors.sort((a, b) => a.offset - b.offset || a.length - b.length);
  checkCoverage(file, start, tensors);
  return { file, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata: texts(metadata) };
}

async function readHeaderLength(file: ModelFile): Promise<number> {
  if (file.size < LENGTH_BYTES) throw invalid(file, `${file.size} bytes are too few for a safetensors file`);
  const bytes = await readRange(file, 0, LENGTH_BYTES);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true));
  if (length === 0) throw invalid(file, "its header is empty");
  if (length > MAX_HEADER_BYTES)
    throw invalid(file, `its header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  if (length > file.size - LENGTH_BYTES)
    throw invalid(file, `its header claims ${length} bytes, the file has ${file.size}`);
  return length;
}

async function readHeaderJson(file: ModelFile, length: number): Promise<Record<string, unknown>> {
  const bytes = await readRange(file, LENGTH_BYTES, length);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (cause) {
    throw invalid(file, "its header is not JSON", { cause });
  }
  if (!isRecord(header)) throw invalid(file, "its header is not a JSON object");
  return header;
}

function parseTensor(file: ModelFile, start: number, name: string, entry: unknown): CheckpointTensor {
  if (!isRecord(entry)) throw invalid(file, `tensor ${name}: its entry is not an object`);
  const dtype = parseType(file, name, entry.dtype);
  const shape = parseShape(file, name, entry.shape);
  const [begin, end] = parseOffsets(file, name, entry.data_offsets);
  const length = shape.reduce((size, axis) => size * axis, BYTES[dtype]);
  if (end - begin !== length) {
    throw invalid(
      file,
      `tensor ${name}: ${dtype} of shape [${shape.join(", ")}] takes ${length} bytes, its range holds ${end - begin}`,
    );
  }
  if (start + end > file.size) {
    throw invalid(file, `tensor ${name}: it ends at byte ${start + end}, the file has only ${file.size}`);
  }
  return { name, dtype, shape, offset: start + begin, length, file };
}

function parseType(file: ModelFile, name: string, value: unknown): SafetensorsType {
  if (isSafetensorsType(value)) return value;
  if (typeof value === "string" && /^F[468](_|$)/.test(value)) {
    throw new LatentKitError(
      "unsupported-model",
      `${file.name}: tensor ${name} is ${value}; take a 16-bit (fp16) version of this checkpoint`,
    );
  }
  throw invalid(
    file,
    `tensor ${name}: unknown element type ${JSON.stringify(value)}, expected one of ${Object.keys(BYTES).join(", ")}`,
  );
}

function isSafetensorsType(value: unknown): value is SafetensorsType {
  return typeof value === "string" && Object.hasOwn(BYTES, value);
}

function parseShape(file: ModelFile, name: string, value: unknown): readonly number[] {
  if (Array.isArray(value) && value.every(isCount)) return value;
  throw invalid(file, `tensor ${name}: expected a shape of non-negative integers, got ${JSON.stringify(value)}`);
}

function parseOffsets(file: ModelFile, name: string, value: unknown): readonly [begin: number, end: number] {
  const [begin, end, ...rest]: unknown[] = Array.isArray(value) ? value : [];
  if (isCount(begin) && isCount(end) && begin <= end && rest.length === 0) return [begin, end];
  throw invalid(file, `tensor ${name}: expected data_offsets [begin, end], got ${JSON.stringify(value)}`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** `tensors` are in the order of their bytes. */
function checkCoverage(file: ModelFile, start: number, tensors: readonly CheckpointTensor[]): void {
  let end = start;
  let previous = "the header";
  for (const { name, offset, length } of tensors) {
    if (offset < end) throw invalid(file, `tensors ${previous} and ${name} overlap`);
    if (offset > end) throw invalid(file, `${offset - end} bytes between ${previous} and ${name} belong to no tensor`);
    end = offset + length;
    previous = name;
  }
  if (end < file.size) throw invalid(file, `${file.size - end} bytes after ${previous} belong to no tensor`);
}

function texts(metadata: unknown): Record<string, string> {
  const entries = Object.entries(isRecord(metadata) ? metadata : {});
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** Exactly `length` bytes. */
async function readRange(file: ModelFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = await file.read(offset, length);
  if (bytes.length === length) return bytes;
  throw invalid(file, `${length} bytes expected at ${offset}, ${bytes.length} read`);
}

function invalid(file: ModelFile, problem: string, options?: ErrorOptions): LatentKitError {
  return new LatentKitError("invalid-checkpoint", `${file.name}: ${problem}; download it again`, options);
}
