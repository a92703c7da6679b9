import { contiguous, isRemote, RemoteValuesError, remoteTensor, type Tensor, tensor } from "@latentkit/core";
import { loadImage, RgbaImage } from "@latentkit/images";

/** A value as data that structured cloning carries from thread to thread: tensors, pictures and URLs have lost their class. */
export interface Parcel<Value> {
  readonly content: unknown;
  /** Never there: what the content is of. */
  readonly of?: Value;
}

/** Marks what has to be made anew on the other side. */
const KIND = "latentkit:kind";

/**
 * Packs a value, tensors and pictures inside lists and objects too. Nothing is copied yet: posting a message copies.
 *
 * @throws TypeError naming the part that cannot cross: a function, or an instance of a class.
 */
export async function pack<Value>(value: Value, name: string): Promise<Parcel<Value>> {
  return { content: await packed(value, name) };
}

/** The value that was packed, around the same memory. */
export function unpack<Value>({ content }: Parcel<Value>): Value {
  return unpacked(content) as Value;
}

/** The memory of a parcel's tensors and pictures, which can be handed over with it. */
export function buffersOf({ content }: Parcel<unknown>): ArrayBuffer[] {
  return [...new Set(arraysIn(content).map(({ buffer }) => buffer))].filter((buffer) => buffer instanceof ArrayBuffer);
}

async function packed(value: unknown, name: string): Promise<unknown> {
  if (typeof value === "function" || typeof value === "symbol") throw strange(name, `a ${typeof value}`);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map((item, i) => packed(item, `${name}[${i}]`)));
  if (isRemoteTensor(value)) return { [KIND]: "remote", shape: [...value.shape] };
  if (isTensor(value)) return packedTensor(value);
  if (isImage(value)) return packedImage(value);
  if (value instanceof URL) return { [KIND]: "url", href: value.href };
  if (isCanvas(value)) return packedImage(await loadImage(value));
  // what the platform brings, such as arrays of bytes, blobs and bitmaps, says what it is
  if (tagOf(value) !== "Object") return value;
  if (isPlain(value)) return packedObject(value, name);
  throw strange(name, `an instance of ${Object(value).constructor.name}`);
}

async function packedObject(value: object, name: string): Promise<object> {
  const entries = Object.entries(value).map(async ([key, part]) => [key, await packed(part, inside(name, key))]);
  return Object.fromEntries(await Promise.all(entries));
}

function packedTensor(value: Tensor): object {
  const { data, shape } = contiguous(value);
  // a view of a larger array takes all of it along
  const own = data.byteLength === data.buffer.byteLength ? data : data.slice();
  return { [KIND]: "tensor", data: own, shape: [...shape] };
}

const packedImage = ({ width, height, data }: RgbaImage): object => ({ [KIND]: "image", width, height, data });

function unpacked(content: unknown): unknown {
  if (Array.isArray(content)) return content.map(unpacked);
  if (!isPlain(content)) return content;
  const { kind, href, data, shape, width, height } = { ...content, kind: kindOf(content) } as Packed;
  if (kind === "url") return new URL(href);
  if (kind === "remote") return remoteTensor(shape, leftThere);
  if (kind === "tensor") return tensor(data as Float32Array, shape);
  if (kind === "image") return new RgbaImage({ width, height, data: data as Uint8ClampedArray });
  return Object.fromEntries(Object.entries(content).map(([key, part]) => [key, unpacked(part)]));
}

async function leftThere(): Promise<never> {
  throw new RemoteValuesError(
    "the latents of this step were left in the worker: ask for stepLatents, or for a preview",
  );
}

/** What the kinds have, all together. */
interface Packed {
  readonly kind: unknown;
  readonly href: string;
  readonly data: Float32Array | Uint8ClampedArray;
  readonly shape: readonly number[];
  readonly width: number;
  readonly height: number;
}

const kindOf = (content: object): unknown => (KIND in content ? content[KIND] : undefined);

function arraysIn(content: unknown): ArrayBufferView[] {
  if (Array.isArray(content)) return content.flatMap(arraysIn);
  if (!isPlain(content)) return [];
  const isMade = kindOf(content) !== undefined && "data" in content && ArrayBuffer.isView(content.data);
  return isMade ? [content.data as ArrayBufferView] : Object.values(content).flatMap(arraysIn);
}

const inside = (name: string, key: string): string => (name === "" ? key : `${name}.${key}`);

function strange(name: string, what: string): TypeError {
  return new TypeError(`${name}: expected something that can be sent to a worker, got ${what}; see connect`);
}

const isRemoteTensor = (value: object): value is Tensor => isRemote(value as Tensor);

/** Whether a value is a float32 array with a shape. */
export const isTensor = (value: unknown): value is Tensor =>
  value instanceof Object &&
  "shape" in value &&
  "stride" in value &&
  "data" in value &&
  !isRemoteTensor(value) &&
  value.data instanceof Float32Array;

/** Also one of another build of the library: CommonJS and modules each have a class of their own. */
const isImage = (value: object): value is RgbaImage =>
  value instanceof RgbaImage || ("toPng" in value && "data" in value && value.data instanceof Uint8ClampedArray);

const isCanvas = (value: object): value is OffscreenCanvas | HTMLCanvasElement =>
  /Canvas/.test(tagOf(value)) && "width" in value;

/** Whether a value is an object of no class. */
function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** `Blob` of a blob, `Object` of a class instance. */
const tagOf = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);
