import {
  checkSameShape,
  dims,
  isContiguous,
  LatentKitError,
  type Tensor,
  type TokenIds,
  tokenIds,
} from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import { type CLIPTextConfig, clipTextConfig, clipTextModel } from "@latentkit/onnx";
import type { Value } from "@latentkit/runtime";
import { exportsOpener } from "./exports-opener.js";
import type { RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { openFiles } from "./open-files.js";
import { buildNetwork } from "./open-network.js";
import { openSession } from "./open-session.js";
import { RowMemory } from "./row-memory.js";
import { tensorOutput } from "./tensor-output.js";

const kind = { stem: "model", readConfig: clipTextConfig, build: clipTextModel };

/** What the encoder makes of token ids. */
export interface CLIPTextOutputs {
  /** After the final norm, `[batch, length, width]`. */
  readonly lastHiddenState: Tensor;
  /** At the end of each text, `[batch, width]`. */
  readonly poolerOutput: Tensor;
  /** The embeddings and what each layer gave, before the final norm, `[batch, length, width]` each. */
  readonly hiddenStates: readonly Tensor[];
  /** The pooled output projected, `[batch, projection]`, where the checkpoint has a projection. */
  readonly textEmbeds?: Tensor;
}

/** How to encode. */
export interface EncodeOptions {
  /** 1 for ids to look at, 0 for padding, `[batch, length]`; Stable Diffusion uses none. */
  readonly attentionMask?: TokenIds;
  /** How many of the last layers to leave out; the final norm is applied all the same. @default 0 */
  readonly clipSkip?: number;
}

/** Which outputs to give. */
export interface OutputsOptions extends Pick<EncodeOptions, "attentionMask"> {
  /** The `hiddenStates` to give, in this order: 0 is the embeddings, the number of layers the last. @default all of them */
  readonly layers?: readonly number[];
}

/** Texts whose results are kept: 77 vectors of 768 numbers each are 0.2 MB. */
const REMEMBERED_TEXTS = 32;

/**
 * The text tower of CLIP: token ids to the vectors that the UNet looks at (transformers' `CLIPTextModel`). It remembers
 * what it gave for the latest texts, so that the same prompt is encoded once.
 *
 * @example
 * ```ts
 * const encoder = await CLIPTextEncoder.fromPretrained("./sd-turbo/text_encoder");
 * const context = await encoder.encode(tokenizer.encode(["", "a red apple"])); // [2, 77, 1024]
 * await encoder.dispose();
 * ```
 */
export class CLIPTextEncoder {
  readonly config: CLIPTextConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  readonly #session: RunnerSession;
  readonly #memory = new RowMemory(REMEMBERED_TEXTS);
  #disposed = false;

  constructor(session: RunnerSession, config: CLIPTextConfig, unusedTensors: readonly string[] = []) {
    this.#session = session;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `text_encoder/` folder: `config.json` and `model.safetensors`, or an ONNX export, `model.onnx`.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: LoadOptions = {}): Promise<CLIPTextEncoder> {
    const files = await openFiles(source, options, ["text_encoder", "text_encoder_2"]);
    const opener = await exportsOpener(files, "model", options);
    const exported = await opener?.openExport(files, "model", opener.clipTextRoles, options);
    if (opener && exported) {
      const { backend, network } = exported;
      const session = await openSession(() => backend.createSession(network.graph), network, options);
      return new CLIPTextEncoder(session, opener.exportedTextConfig(exported));
    }
    const { subfolder: _, ...inside } = options;
    const { config, network, backend } = await buildNetwork(files, inside, kind);
    return new CLIPTextEncoder(
      await openSession(() => backend.createSession(network), network, options),
      config,
      network.unusedTensors,
    );
  }

  /**
   * The text as the UNet takes it, `[batch, length, width]`: the last hidden state after the final norm.
   *
   * @throws RangeError for ids outside the vocabulary, a text longer than the positions, or a `clipSkip` beyond the layers.
   * @throws LatentKitError `"unsupported-model"` for a `clipSkip` of an ONNX export, which gives no other layer after the final norm.
   */
  async encode(ids: TokenIds, options: EncodeOptions = {}): Promise<Tensor> {
    const { clipSkip = 0 } = options;
    const { layers } = this.config;
    if (!Number.isInteger(clipSkip) || clipSkip < 0 || clipSkip >= layers) {
      throw new RangeError(`clipSkip: expected an integer from 0 to ${layers - 1}, got ${clipSkip}`);
    }
    const name = clipSkip === 0 ? "last_hidden_state" : `normed_states.${layers - clipSkip}`;
    this.#checkGives(name);
    return tensorOutput(await this.#run(ids, options, [name]), name);
  }

  /** Everything the tower gives, or of its hidden states those asked for. @throws RangeError for a layer that it does not have. */
  async outputs(ids: TokenIds, options: OutputsOptions = {}): Promise<CLIPTextOutputs> {
    const { layers } = this.config;
    const wanted = options.layers ?? Array.from({ length: layers + 1 }, (_, i) => i);
    const stray = wanted.find((layer) => !Number.isInteger(layer) || layer < 0 || layer > layers);
    if (stray !== undefined) throw new RangeError(`layers: expected integers from 0 to ${layers}, got ${stray}`);
    const hidden = wanted.map((layer) => `hidden_states.${layer}`);
    for (const name of hidden) this.#checkGives(name);
    const single = ["last_hidden_state", "pooler_output", "text_embeds"].filter((name) => this.#gives(name));
    const outputs = await this.#run(ids, options, [...single, ...hidden]);
    const output = (name: string): Tensor => {
      this.#checkGives(name);
      return tensorOutput(outputs, name);
    };
    // exports lack some: that is an error for whoever looks at them
    return {
      get lastHiddenState() {
        return output("last_hidden_state");
      },
      get poolerOutput() {
        return output("pooler_output");
      },
      hiddenStates: hidden.map(output),
      ...(single.includes("text_embeds") && { textEmbeds: output("text_embeds") }),
    };
  }

  /** The outputs for texts, of which those that are not remembered are encoded; with a mask, all. */
  async #run(ids: TokenIds, options: OutputsOptions, names: readonly string[]): Promise<Record<string, Value>> {
    const feeds = this.#feeds(ids, options);
    if (options.attentionMask || this.#disposed || !isContiguous(ids)) return this.#session.run(feeds, names);
    return this.#memory.recall(ids, names.join(), async (unknown) => {
      const outputs = await this.#session.run(this.#feeds(unknown, {}), names);
      return Object.fromEntries(names.map((name) => [name, tensorOutput(outputs, name)]));
    });
  }

  #gives(output: string): boolean {
    return this.#session.outputs.some(({ name }) => name === output);
  }

  /** @throws LatentKitError for an output that an export lacks. */
  #checkGives(output: string): void {
    if (this.#gives(output)) return;
    const given = this.#session.outputs.map(({ name }) => name).join(", ");
    const problem = `this export of a text encoder does not give ${output}, only ${given}`;
    throw new LatentKitError("unsupported-model", `${problem}; take the original checkpoint for it`);
  }

  /** Frees the network until the next run, where it was opened with `memory: "low"`; otherwise does nothing. */
  async release(): Promise<void> {
    await this.#session.release?.();
  }

  /** Frees the network; a second call does nothing. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#memory.clear();
    await this.#session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #feeds(ids: TokenIds, { attentionMask }: EncodeOptions): Record<string, TokenIds> {
    const { B, L } = dims(ids, "B L", "ids");
    if (B === 0 || L === 0)
      throw new RangeError(`ids: expected at least one text of at least one id, got [${B}, ${L}]`);
    const { maxPositions, vocabSize } = this.config;
    if (L > maxPositions) throw new RangeError(`ids: expected at most ${maxPositions} per text, got ${L}`);
    const stray = ids.data.find((id) => id < 0 || id >= vocabSize);
    if (stray !== undefined) throw new RangeError(`ids: expected values from 0 to ${vocabSize - 1}, got ${stray}`);
    if (attentionMask) checkSameShape(ids, attentionMask, "attentionMask");
    const mask = attentionMask ?? tokenIds(new Int32Array(B * L).fill(1), [B, L]);
    return { input_ids: ids, attention_mask: mask };
  }
}
