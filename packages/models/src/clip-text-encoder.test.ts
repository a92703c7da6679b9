import { type TokenIds, tokenIds } from "@latentkit/core";
import { onnxruntimeNode } from "@latentkit/runtime/node";
import { describe, expect, it } from "vitest";
import { fixtures, golden, goldenJson, goldenTensors, maxDifference } from "../../../tests/golden.js";
import { CLIPTextEncoder } from "./clip-text-encoder.js";

// Made by a re-implementation of CLIP's text tower, checked against OpenAI's code; see fixtures/README.md.
const { cases } = goldenJson<{ cases: readonly { readonly folder: string }[] }>("text_encoder/cases.json");
// on this thread: starting one for each network takes longer than the tests
const backend = await onnxruntimeNode({ device: "cpu", worker: false });
const tolerance = 2e-5;

function open(folder: string): Promise<CLIPTextEncoder> {
  return CLIPTextEncoder.fromPretrained(fixtures + folder, { backend });
}

function ids(tensors: ReturnType<typeof goldenTensors>, name: string): TokenIds {
  const { data = [], shape = [] } = tensors.get(name) ?? {};
  return tokenIds(Int32Array.from<number | bigint>(data, Number), shape);
}

describe.each(cases)("$folder", ({ folder }) => {
  const tensors = goldenTensors(`text_encoder/${folder}/golden.safetensors`);
  const inputs = [...tensors.keys()].filter((name) => name.endsWith(".input_ids")).map((name) => name.split(".")[0]!);

  it.each(inputs)("encodes %s as the reference does", async (input) => {
    await using encoder = await open(`text_encoder/${folder}`);
    const text = ids(tensors, `${input}.input_ids`);
    const attentionMask = tensors.has(`${input}.attention_mask`) ? ids(tensors, `${input}.attention_mask`) : undefined;
    const options = attentionMask ? { attentionMask } : {};
    const outputs = await encoder.outputs(text, options);
    const { lastHiddenState, poolerOutput, hiddenStates, textEmbeds } = outputs;
    const named = {
      last_hidden_state: lastHiddenState,
      pooler_output: poolerOutput,
      text_embeds: textEmbeds,
      penultimate_ln: await encoder.encode(text, { ...options, clipSkip: 1 }),
      ...Object.fromEntries(hiddenStates.map((state, i) => [`hidden_states.${i}`, state])),
    };
    const references = [...tensors.keys()].filter(
      (name) => name.startsWith(`${input}.`) && tensors.get(name)?.data instanceof Float32Array,
    );
    const differences = references.map((name): [string, number] => {
      const value = Object.entries(named).find(([key]) => name === `${input}.${key}`)?.[1];
      return [name, value ? maxDifference(value, golden(tensors, name)) : Number.NaN];
    });
    expect(differences.filter(([, difference]) => !(difference < tolerance))).toEqual([]);
    expect(references.length).toBeGreaterThan(2);
    expect(textEmbeds !== undefined).toBe(tensors.has(`${input}.text_embeds`));
    expect(hiddenStates).toHaveLength(encoder.config.layers + 1);
    expect(await encoder.encode(text, options)).toEqual(lastHiddenState);
    expect(encoder.unusedTensors).toEqual([]);
  });
});

describe("encode", () => {
  const folder = "pipelines/tiny-sd/text_encoder";
  const text = (length: number, id = 1) => tokenIds(new Int32Array(2 * length).fill(id), [2, length]);

  it("names what does not fit", async () => {
    await using encoder = await open(folder);
    const wrong: [Parameters<CLIPTextEncoder["encode"]>, string][] = [
      [[text(78)], "ids: expected at most 77 per text, got 78"],
      [[text(7, 1000)], "ids: expected values from 0 to 999, got 1000"],
      [[text(7, -1)], "ids: expected values from 0 to 999, got -1"],
      [[tokenIds(new Int32Array(7), [7])], "ids: expected shape [B, L], got [7]"],
      [[tokenIds(new Int32Array(0), [2, 0])], "ids: expected at least one text of at least one id, got [2, 0]"],
      [[tokenIds(new Int32Array(0), [0, 7])], "ids: expected at least one text of at least one id, got [0, 7]"],
      [[text(7), { clipSkip: 3 }], "clipSkip: expected an integer from 0 to 2, got 3"],
      [[text(7), { clipSkip: -1 }], "clipSkip: expected an integer from 0 to 2, got -1"],
      [[text(7), { clipSkip: 0.5 }], "clipSkip: expected an integer from 0 to 2, got 0.5"],
      [[text(7), { attentionMask: text(8) }], "attentionMask: expected shape [2, 7], got [2, 8]"],
    ];
    for (const [args, message] of wrong) {
      const error = await encoder.encode(...args).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(RangeError);
      expect(String(error)).toContain(message);
    }
  });

  it("refuses to run once disposed", async () => {
    const encoder = await open(folder);
    await encoder.dispose();
    await encoder.dispose();
    await expect(encoder.encode(text(7))).rejects.toMatchObject({ name: "LatentKitError", code: "disposed" });
  });
});

describe("texts that were encoded before", () => {
  it("are remembered, for each way of encoding apart, to the last bit", async () => {
    const seen: string[] = [];
    const watched: typeof backend = {
      ...backend,
      async createSession(model) {
        const session = await backend.createSession(model);
        return {
          ...session,
          run(feeds, outputs) {
            seen.push(`${feeds.input_ids?.shape[0]} ${outputs}`);
            return session.run(feeds, outputs);
          },
        };
      },
    };
    await using encoder = await CLIPTextEncoder.fromPretrained(`${fixtures}pipelines/tiny-sd/text_encoder`, {
      backend: watched,
    });
    const text = (...firsts: readonly number[]) =>
      tokenIds(Int32Array.from(firsts.flatMap((id) => [id, 5, 6, 7])), [firsts.length, 4]);
    const both = await encoder.encode(text(1, 2));
    const again = await encoder.encode(text(2, 1, 3));
    expect([...again.data.subarray(0, 4 * 32)]).toEqual([...both.data.subarray(4 * 32)]);
    expect([...again.data.subarray(4 * 32, 8 * 32)]).toEqual([...both.data.subarray(0, 4 * 32)]);
    await encoder.encode(text(1), { clipSkip: 1 });
    await encoder.encode(text(3));
    const { layers } = encoder.config;
    expect(seen.splice(0)).toEqual(["2 last_hidden_state", "1 last_hidden_state", `1 normed_states.${layers - 1}`]);
    const outputs = await encoder.outputs(text(1, 2), { layers: [1] });
    expect(await encoder.outputs(text(1, 2), { layers: [1] })).toMatchObject({
      lastHiddenState: outputs.lastHiddenState,
      hiddenStates: outputs.hiddenStates,
    });
    // a mask says which ids are seen
    const attentionMask = tokenIds(Int32Array.of(1, 1, 0, 0), [1, 4]);
    for (let i = 0; i < 2; i++) await encoder.encode(text(1), { attentionMask });
    expect(seen).toHaveLength(3);
  });
});
