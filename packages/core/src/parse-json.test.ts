import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryFile } from "../../../tests/memory-files.js";
import { readJson } from "./index.js";
import { JsonError, parseJson } from "./parse-json.js";

function outcome(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    return error;
  }
}

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("reads the bare words that Python writes, and leaves them alone in strings", () => {
    const text =
      '{"lambda_min_clipped": -Infinity, "beta_end" : Infinity,"x":[NaN , 1.5e-3,-0], "note": "a \\"NaN\\", -Infinity"}';
    expect(parseJson(text)).toEqual({
      lambda_min_clipped: Number.NEGATIVE_INFINITY,
      beta_end: Number.POSITIVE_INFINITY,
      x: [Number.NaN, 0.0015, -0],
      note: 'a "NaN", -Infinity',
    });
    expect(parseJson(" NaN\n")).toBeNaN();
  });

  it("reads any value with such words in it", () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        tie("list"),
        tie("record"),
      ),
      list: fc.array(tie("value"), { maxLength: 4 }),
      record: fc.dictionary(fc.string(), tie("value"), { maxKeys: 4 }),
    }));
    fc.assert(
      fc.property(value, (expected) => {
        expect(parseJson(`[NaN, ${pythonJson(expected)}]`)).toEqual([Number.NaN, expected]);
      }),
    );
  });

  it("keeps a key named __proto__ a key", () => {
    const found = parseJson('{"__proto__": {"polluted": Infinity}}');
    expect(Object.keys(Object(found))).toEqual(["__proto__"]);
    expect(found).not.toHaveProperty("polluted");
  });

  it("never throws anything else, and accepts nothing that JSON.parse refuses but the three words", () => {
    const valid = JSON.stringify({
      _class_name: "DDIMScheduler",
      betas: [0.00085, 1e-7, null, "é\n\\u0041"],
      clip_sample: false,
    });
    const change = fc.record({ at: fc.nat(valid.length), drop: fc.nat(3), insert: fc.string({ maxLength: 3 }) });
    fc.assert(
      fc.property(fc.oneof(fc.array(change, { minLength: 1 }), fc.string()), (changes) => {
        const text =
          typeof changes === "string"
            ? changes
            : changes.reduce((all, { at, drop, insert }) => all.slice(0, at) + insert + all.slice(at + drop), valid);
        const result = outcome(text);
        if (result instanceof Error) expect(result).toBeInstanceOf(JsonError);
        else if (!/NaN|Infinity/.test(text)) expect(result).toEqual(JSON.parse(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("reads long texts with such a word", () => {
    const list = Array.from({ length: 100_000 }, (_, i) => `word ${i} \\ "`);
    const long = "\\n".repeat(1_000_000);
    expect(parseJson(`[NaN, "${long}", ${JSON.stringify(list)}]`)).toEqual([Number.NaN, "\n".repeat(1_000_000), list]);
  });
});

describe("readJson", () => {
  it.each([
    ["", "line 1, column 1: expected a value, found the end"],
    ['{"a": 1,\n "b" 2}', 'line 2, column 6: expected ":", found "2"'],
    ['{"a": 1,\n}', 'line 2, column 1: expected a key in double quotes, found "}"'],
    ["[1, 2", 'line 1, column 6: expected "," or "]", found the end'],
    ["[1, 02]", 'line 1, column 5: expected a value, found "0"'],
    ["[1 2]", 'line 1, column 4: expected "," or "]", found "2"'],
    ['{"a": "b\n"}', "line 1, column 7: expected a string without"],
    ['{"a": "b', "line 1, column 7: expected a string without"],
    ["{} {}", 'line 1, column 4: expected the end, found "{"'],
    ["{'a': 1}", 'line 1, column 2: expected a key in double quotes, found "\'"'],
    ["[Nan]", 'line 1, column 2: expected a value, found "N"'],
    ["🍎", 'line 1, column 1: expected a value, found "🍎"'],
    ["[".repeat(100_000), "line 1, column 502: nested more than 500 levels deep"],
  ])("says where %j is broken", async (text, where) => {
    await expect(readJson(memoryFile("unet/config.json", text))).rejects.toMatchObject({
      name: "LatentKitError",
      code: "invalid-checkpoint",
      message: expect.stringContaining(`unet/config.json is not valid JSON: ${where}`),
    });
  });

  it("gives an object or a LatentKitError for any bytes", async () => {
    const near = fc.stringMatching(/^[{}[\]:,"\\ 0-9aNI-]*$/).map((text) => new TextEncoder().encode(`{"a":${text}}`));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), near), async (bytes) => {
        const result: unknown = await readJson(memoryFile("config.json", bytes)).catch((error: unknown) => error);
        if (result instanceof Error)
          expect(result).toMatchObject({ name: "LatentKitError", code: "invalid-checkpoint" });
        else expect(result).toBeTypeOf("object");
      }),
      { numRuns: 1000 },
    );
  });
});

/** What `json.dumps` of Python writes. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0.0" : String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${pythonJson(item)}`)
    .join(", ")}}`;
}
