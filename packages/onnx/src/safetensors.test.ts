import { LatentKitError, type LatentKitErrorCode, type ModelFile } from "@latentkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixtureFiles } from "../../../tests/fixture-files.js";
import { goldenTensors } from "../../../tests/golden.js";
import { memoryFile } from "../../../tests/memory-files.js";
import { safetensorsBytes } from "../../../tests/safetensors-bytes.js";
import { readTensor } from "./read-tensor.js";
import { readSafetensorsHeader } from "./safetensors.js";

const read = (header: unknown, data?: Uint8Array) =>
  readSafetensorsHeader(memoryFile("unet/weights.safetensors", safetensorsBytes(header, data)));

/** Two tensors in 20 bytes. */
const header = {
  __metadata__: { format: "pt" },
  first: { dtype: "F16", shape: [2, 1], data_offsets: [0, 4] },
  second: { dtype: "F32", shape: [1, 4], data_offsets: [4, 20] },
};
const data = new Uint8Array(20);

describe("a whole file", () => {
  it("lists tensors with their place in the file", async () => {
    const { tensors, metadata, file } = await read(header, data);
    const start = file.size - 20;
    expect(
      [...tensors.values()].map(({ name, dtype, shape, offset, length }) => ({ name, dtype, shape, offset, length })),
    ).toEqual([
      { name: "first", dtype: "F16", shape: [2, 1], offset: start, length: 4 },
      { name: "second", dtype: "F32", shape: [1, 4], offset: start + 4, length: 16 },
    ]);
    expect(metadata).toEqual({ format: "pt" });
  });

  it("may list tensors in any order, pad its header, and hold scalars and empty tensors", async () => {
    const entries = {
      ...header,
      scalar: { dtype: "I64", shape: [], data_offsets: [20, 28] },
      none: { dtype: "F32", shape: [0, 3], data_offsets: [4, 4] },
    };
    const backwards = Object.fromEntries(Object.entries(entries).reverse());
    const { tensors } = await read(`${JSON.stringify(backwards)}     `, new Uint8Array(28));
    expect([...tensors.keys()]).toEqual(["first", "none", "second", "scalar"]);
  });

  it("may be without tensors", async () => expect((await read({})).tensors.size).toBe(0));

  it("may repeat a key", async () => {
    const { tensors } = await read(
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
      new Uint8Array(2),
    );
    expect(tensors.get("a")?.shape).toEqual([2]);
  });

  it("may name a tensor __proto__", async () => {
    const { tensors } = await read('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', new Uint8Array(1));
    expect([...tensors.keys()]).toEqual(["__proto__"]);
  });

  it("is read by its header only", async () => {
    const bytes = safetensorsBytes(header, data);
    const ranges: unknown[] = [];
    const file = memoryFile("weights", bytes);
    const read: ModelFile["read"] = (...range) => {
      ranges.push(range);
      return file.read(...range);
    };
    await readSafetensorsHeader({ ...file, read });
    expect(ranges).toEqual([
      [0, 8],
      [8, bytes.length - 28],
    ]);
  });
});

describe("a broken file", () => {
  const tensor = (change: object) => ({ first: { ...header.first, ...change } });
  const cases: [string, unknown, string, LatentKitErrorCode?][] = [
    ["no JSON", "{", "its header is not JSON"],
    ["a list", [], "its header is not a JSON object"],
    ["text that is no UTF-8", "{\ud800}", "its header is not JSON"],
    ["an entry that is a number", { first: 3 }, "tensor first: its entry is not an object"],
    [
      "an unknown type",
      tensor({ dtype: "F33" }),
      'tensor first: unknown element type "F33", expected one of F64, F32, F16',
    ],
    ["an inherited type", tensor({ dtype: "toString" }), 'unknown element type "toString"'],
    ["no type", tensor({ dtype: undefined }), "unknown element type undefined"],
    [
      "8-bit floats",
      tensor({ dtype: "F8_E4M3" }),
      "tensor first is F8_E4M3; take a 16-bit (fp16) version",
      "unsupported-model",
    ],
    [
      "a negative axis",
      tensor({ shape: [-2, -1] }),
      "tensor first: expected a shape of non-negative integers, got [-2,-1]",
    ],
    ["a fractional axis", tensor({ shape: [0.5, 4] }), "got [0.5,4]"],
    ["no shape", tensor({ shape: 2 }), "expected a shape of non-negative integers, got 2"],
    ["a shape without end", tensor({ shape: [2 ** 53 - 1, 2 ** 53 - 1] }), "takes"],
    ["no offsets", tensor({ data_offsets: [0] }), "expected data_offsets [begin, end], got [0]"],
    ["a range that ends before it begins", tensor({ data_offsets: [4, 0] }), "got [4,0]"],
    [
      "a range of another size",
      tensor({ data_offsets: [0, 6] }),
      "tensor first: F16 of shape [2, 1] takes 4 bytes, its range holds 6",
    ],
    ["a range outside", { first: { dtype: "U8", shape: [21], data_offsets: [0, 21] } }, "the file has only"],
    [
      "an overlap",
      { ...header, third: { dtype: "U8", shape: [2], data_offsets: [2, 4] } },
      "tensors first and third overlap",
    ],
    ["a gap", { second: header.second }, "4 bytes between the header and second belong to no tensor"],
    ["bytes at the end", { first: header.first }, "16 bytes after first belong to no tensor"],
  ];

  it.each(cases)("with %s", async (_, broken, message, code = "invalid-checkpoint") => {
    await expect(read(broken, data)).rejects.toThrow(message);
    await expect(read(broken, data)).rejects.toThrow("unet/weights.safetensors");
    await expect(read(broken, data)).rejects.toMatchObject({ name: "LatentKitError", code });
  });

  const sized = (length: bigint) => {
    const bytes = safetensorsBytes(header, data);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return readSafetensorsHeader(memoryFile("w", bytes));
  };

  it.each([
    [0n, "its header is empty"],
    [100_000_001n, "its header claims 100000001 bytes, more than the 100000000 allowed"],
    [1000n, "its header claims 1000 bytes, the file has"],
    [2n ** 64n - 1n, "more than the 100000000 allowed"],
  ])("with a header of %d bytes", async (length, message) => {
    await expect(sized(length)).rejects.toThrow(message);
  });

  it("with fewer than 8 bytes", async () => {
    await expect(readSafetensorsHeader(memoryFile("w", new Uint8Array(7)))).rejects.toThrow("w: 7 bytes are too few");
  });

  it("never fails in another way", async () => {
    const bytes = safetensorsBytes(header, data);
    const cut = fc.nat(bytes.length).map((length) => bytes.slice(0, length));
    const changed = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }).map((changes) => {
      const copy = bytes.slice();
      for (const [at, value] of changes) copy[at] = value;
      return copy;
    });
    const json = fc
      .tuple(fc.jsonValue(), fc.uint8Array({ maxLength: 40 }))
      .map(([value, rest]) => safetensorsBytes(value, rest));
    const entry = fc.record({
      dtype: fc.constantFrom("F32", "U8", "F8_E5M2", null),
      shape: fc.jsonValue(),
      data_offsets: fc.array(fc.integer({ max: 60 })),
    });
    const entries = fc.dictionary(fc.string(), entry).map((value) => safetensorsBytes(value, data));
    await fc.assert(
      fc.asyncProperty(fc.oneof(cut, changed, json, entries, fc.uint8Array()), async (any) => {
        await readSafetensorsHeader(memoryFile("w", any)).catch((error) => {
          expect(LatentKitError.isInstance(error), String(error)).toBe(true);
        });
      }),
      { numRuns: 2000 },
    );
  });
});

describe("values", () => {
  it.each(["diffusion_pytorch_model-00001-of-00003", "diffusion_pytorch_model-00003-of-00003"])(
    "of %s equal another reader's",
    async (name) => {
      const file = (await fixtureFiles("models/unet_sharded").find(`${name}.safetensors`))!;
      const expected = goldenTensors(`models/unet_sharded/${name}.safetensors`);
      const { tensors } = await readSafetensorsHeader(file);
      expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [key, tensor] of tensors) {
        expect(tensor.shape).toEqual(expected.get(key)?.shape);
        expect(await readTensor(tensor)).toEqual(expected.get(key)?.data);
      }
    },
  );

  // -2.5 is 0xc100 as float16 and 0xc020 as bfloat16
  it.each([
    ["F64", new Float64Array([-2.5, 3])],
    ["F32", new Float32Array([-2.5, 3])],
    ["F16", new Uint16Array([0xc100, 0x4200])],
    ["BF16", new Uint16Array([0xc020, 0x4040])],
    ["I64", new BigInt64Array([-2n, 3n])],
    ["I32", new Int32Array([-2, 3])],
    ["I16", new Int16Array([-2, 3])],
    ["I8", new Int8Array([-2, 3])],
    ["U64", new BigUint64Array([2n, 3n])],
    ["U32", new Uint32Array([2, 3])],
    ["U16", new Uint16Array([2, 3])],
    ["U8", new Uint8Array([2, 3])],
    ["BOOL", new Uint8Array([0, 1])],
  ])("of type %s become float32", async (dtype, values) => {
    const { tensors } = await read(
      { x: { dtype, shape: [2], data_offsets: [0, values.byteLength] } },
      new Uint8Array(values.buffer),
    );
    const expected = dtype.includes("F") ? [-2.5, 3] : Array.from(values, Number);
    expect([...(await readTensor(tensors.get("x")!))]).toEqual(expected);
  });

  it("keeps the ends of float16", async () => {
    // largest, smallest normal, smallest subnormal, -0, infinity, NaN
    const values = new Uint16Array([0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00]);
    const { tensors } = await read(
      { x: { dtype: "F16", shape: [2, 3], data_offsets: [0, 12] } },
      new Uint8Array(values.buffer),
    );
    expect([...(await readTensor(tensors.get("x")!))]).toEqual([
      65504,
      2 ** -14,
      2 ** -24,
      -0,
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
  });

  it("of a file that lost its end are refused", async () => {
    const { tensors } = await read(header, data);
    const tensor = tensors.get("second")!;
    const file = { ...tensor.file, read: async () => new Uint8Array(3) };
    await expect(readTensor({ ...tensor, file })).rejects.toThrow("tensor second ends early");
  });
});
