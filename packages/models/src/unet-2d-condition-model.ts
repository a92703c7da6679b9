import type { Tensor } from "@latentkit/core";
import type { ModelSource } from "@latentkit/hub";
import {
  checkBranch,
  deepFeatureName,
  type UNet2DConditionConfig,
  unet2dCondition,
  unet2dConditionConfig,
} from "@latentkit/onnx";
import type { Backend, Value } from "@latentkit/runtime";
import { exportsOpener } from "./exports-opener.js";
import { hasResiduals } from "./has-residuals.js";
import { LazySession, type RunnerSession } from "./lazy-session.js";
import type { LoadOptions } from "./load-options.js";
import { type NetworkConditions, type NetworkInputs, networkFeeds } from "./network-feeds.js";
import { openFiles } from "./open-files.js";
import { openNetwork, warnOfUnused } from "./open-network.js";
import { openSession } from "./open-session.js";
import type { UNetResiduals } from "./residual-feeds.js";
import type { SplitUNet, UNetGraphs, WholePrediction } from "./split-unet.js";
import { steeredSession } from "./steered-session.js";
import { type TensorDevice, tensorDevice } from "./tensor-device.js";
import { tensorOutput } from "./tensor-output.js";
import { isTextApart, openTextFed } from "./text-fed-session.js";

/** What some networks are told beside the text, and what ControlNets and T2I-Adapters add to their states. */
export interface UNetConditions extends NetworkConditions, UNetResiduals {}

/** How to open a UNet. */
export interface UNetLoadOptions extends LoadOptions {
  /**
   * Opens it ready for what ControlNets and T2I-Adapters add to its states, and for `perturbedAttention`. Otherwise it is opened anew, in place of the
   * first time, when the first of that comes. @default false
   */
  readonly residuals?: boolean;
}

/**
 * The network that predicts the noise in latents, told the text by cross-attention (Diffusers' `UNet2DConditionModel`).
 *
 * @example
 * ```ts
 * const unet = await UNet2DConditionModel.fromPretrained("./sd-turbo/unet");
 * const noise = await unet.predict(latents, 999, context); // of the shape of latents
 * await unet.dispose();
 * ```
 */
export class UNet2DConditionModel {
  readonly config: UNet2DConditionConfig;
  /** Tensors of the checkpoint that the network has no place for. */
  readonly unusedTensors: readonly string[];
  /** The one in use. */
  #session: RunnerSession;
  /** What it has beyond the plain network: inputs for residuals, or the deep feature of a branch. */
  #extra: "residuals" | number | undefined;
  #shallow: { readonly branch: number; readonly session: LazySession } | undefined;
  readonly #graphs: UNetGraphs | undefined;
  /**
   * Where runs can leave their latents between two steps: a GPU. `predict` gives a remote tensor when its sample is one
   * that was computed there.
   */
  readonly device: TensorDevice | undefined;
  /** Tells when networks are opened again, as `Backend.onReopen` does. */
  readonly onReopen: Backend["onReopen"];

  /**
   * @param graphs opens the same network with more inputs or outputs, in place of the one in use when that is needed.
   * @param residuals whether `session` has inputs for residuals already.
   * @param backend where it runs.
   */
  constructor(
    session: RunnerSession,
    config: UNet2DConditionConfig,
    unusedTensors: readonly string[] = [],
    graphs?: UNetGraphs,
    residuals = false,
    backend?: Backend,
  ) {
    this.#session = session;
    this.#extra = residuals ? "residuals" : undefined;
    this.#graphs = graphs;
    this.device = backend?.keepsValues ? tensorDevice(backend) : undefined;
    this.onReopen = backend?.onReopen;
    this.config = config;
    this.unusedTensors = unusedTensors;
  }

  /**
   * Opens a `unet/` folder: `config.json` and `diffusion_pytorch_model.safetensors`, whole or in shards, or an ONNX
   * export, `model.onnx`. Timesteps of an export that takes integers are rounded to the nearest.
   *
   * @throws LatentKitError when a file is missing or broken, or the configuration is not supported.
   */
  static async fromPretrained(source: ModelSource, options: UNetLoadOptions = {}): Promise<UNet2DConditionModel> {
    const files = await openFiles(source, options, ["unet"]);
    const opener = await exportsOpener(files, "diffusion_pytorch_model", options);
    const exported = await opener?.openExport(files, "diffusion_pytorch_model", opener.unetRoles, options);
    if (opener && exported) {
      if (options.tokenMerging !== undefined)
        throw new TypeError("tokenMerging: an ONNX export is as it is; open the original checkpoint");
      const { backend, network } = exported;
      const session = await openSession(() => backend.createSession(network.graph), network, options);
      return new UNet2DConditionModel(session, opener.exportedUNetConfig(exported), [], undefined, false, backend);
    }
    const { subfolder: _, residuals = false, ...inside } = options;
    const {
      config: json,
      configFile,
      checkpoint,
      backend: opened,
      graph: shared,
    } = await openNetwork(files, "diffusion_pytorch_model", inside);
    const { tokenMerging } = options;
    const merging = tokenMerging && (await import("./rare-networks.js")).tokenMergers(tokenMerging);
    const graph = { ...shared, tokenMerging: merging, textApart: isTextApart(opened, options) };
    const backend = opened.keepsValues ? (await import("./kept-values.js")).keepingResults(opened) : opened;
    const config = unet2dConditionConfig(json, configFile);
    const network = unet2dCondition(checkpoint, config, { ...graph, residuals });
    warnOfUnused(network.unusedTensors, checkpoint.location, options);
    const session = await openSession(() => openTextFed(backend, network), network, options);
    const graphs: UNetGraphs = {
      steered: () => openTextFed(backend, unet2dCondition(checkpoint, config, { ...graph, residuals: true })),
      whole: (branch) => openTextFed(backend, unet2dCondition(checkpoint, config, { ...graph, branch })),
      async shallow(branch) {
        const { unet2dShallow } = await import("./rare-networks.js");
        return openTextFed(backend, unet2dShallow(checkpoint, config, branch, graph));
      },
    };
    return new UNet2DConditionModel(session, config, network.unusedTensors, graphs, residuals, opened);
  }

  /**
   * The network's prediction (noise, velocity or sample, as it was trained), `[batch, channels, height, width]`. What
   * cross-attention sees of a text is remembered for the latest two.
   *
   * @param sample noisy latents after `scaleModelInput`, `[batch, channels, height, width]`.
   * @param timestep training timestep from 0 to 999, also fractional; one for all, or one per item of the batch.
   * @param encoderHiddenStates the text, `[batch, length, width]`.
   * @throws RangeError or TypeError for wrong shapes, and for conditions that the network needs or does not know.
   */
  async predict(
    sample: Tensor,
    timestep: number | readonly number[],
    encoderHiddenStates: Tensor,
    conditions: UNetConditions = {},
  ): Promise<Tensor> {
    const feeds = this.#feeds({ sample, timestep, encoderHiddenStates }, conditions);
    const session = this.#sessionFor(conditions);
    const added = this.#extra === "residuals" ? await this.#residualFeeds(sample, conditions) : {};
    return tensorOutput(await session.run({ ...feeds, ...added }, ["out_sample"]), "out_sample");
  }

  /**
   * The network cut at a skip connection, to run its shallow part alone where the deep one hardly changes. The first
   * whole run opens it anew, in place of the first time, with the deep feature among its outputs; the first shallow run
   * opens that part beside it.
   *
   * @param branch number of the skip connection, 0 the finest.
   * @throws TypeError for an ONNX export, which cannot be cut; RangeError for a `branch` that there is none of.
   * @example
   * ```ts
   * const { whole, shallow } = unet.split(0);
   * const { prediction, deepFeature } = await whole(latents, 981, context);
   * const next = await shallow(latents, 961, context, deepFeature);
   * ```
   */
  split(branch: number): SplitUNet {
    const graphs = this.#graphs;
    if (!graphs) throw new TypeError("split: this ONNX export cannot be cut; open the original checkpoint");
    checkBranch(this.config, branch);
    return {
      branch,
      whole: async (sample, timestep, encoderHiddenStates, conditions = {}) =>
        this.#wholeRun(graphs, branch, this.#feeds({ sample, timestep, encoderHiddenStates }, plain(conditions))),
      shallow: async (sample, timestep, encoderHiddenStates, deepFeature, conditions = {}) =>
        this.#shallowRun(graphs, branch, {
          ...this.#feeds({ sample, timestep, encoderHiddenStates }, plain(conditions)),
          [deepFeatureName]: deepFeature,
        }),
    };
  }

  /** Frees the network until the next run, where it was opened with `memory: "low"`; otherwise does nothing. */
  async release(): Promise<void> {
    if (!this.#session.release) return;
    await Promise.all([this.#session.release(), this.#shallow?.session.release()]);
  }

  /** Frees the network; a second call does nothing. */
  async dispose(): Promise<void> {
    await Promise.all([this.#session.dispose(), this.#shallow?.session.dispose(), this.device?.dispose()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #feeds(inputs: NetworkInputs, conditions: NetworkConditions): Record<string, Value> {
    return networkFeeds({ config: this.config, inputs: this.#session.inputs }, inputs, conditions);
  }

  /** Opens another graph of the network in place of the one in use, when it is first run. */
  #exchange(extra: "residuals" | number, open: () => ReturnType<UNetGraphs["steered"]>): void {
    if (extra === this.#extra) return;
    this.#session = steeredSession(this.#session, open);
    this.#extra = extra;
  }

  /** What runs under these conditions: from the first residuals on, the network that has inputs for them. */
  #sessionFor(conditions: UNetResiduals): RunnerSession {
    if (!hasResiduals(conditions)) return this.#session;
    const graphs = this.#graphs;
    if (!graphs) {
      const names = "downResiduals, midResidual, downIntraResiduals, perturbedAttention";
      throw new TypeError(`${names}: this ONNX export has no inputs for them; open the original checkpoint`);
    }
    this.#exchange("residuals", graphs.steered);
    return this.#session;
  }

  async #residualFeeds(sample: Tensor, residuals: UNetResiduals): Promise<Record<string, Value>> {
    const { residualFeeds } = await import("./rare-networks.js");
    return residualFeeds(this.config, sample, residuals);
  }

  async #wholeRun(graphs: UNetGraphs, branch: number, feeds: Record<string, Value>): Promise<WholePrediction> {
    this.#exchange(branch, () => graphs.whole(branch));
    const outputs = await this.#session.run(feeds, ["out_sample", deepFeatureName]);
    return { prediction: tensorOutput(outputs, "out_sample"), deepFeature: tensorOutput(outputs, deepFeatureName) };
  }

  async #shallowRun(graphs: UNetGraphs, branch: number, feeds: Record<string, Value>): Promise<Tensor> {
    if (this.#shallow?.branch !== branch) {
      const former = this.#shallow?.session;
      const open = async () => {
        await former?.dispose();
        return graphs.shallow(branch);
      };
      this.#shallow = { branch, session: new LazySession(open) };
    }
    return tensorOutput(await this.#shallow.session.run(feeds, ["out_sample"]), "out_sample");
  }
}

/** @throws TypeError for residuals: the parts of a cut network have no inputs for them. */
function plain(conditions: UNetConditions): NetworkConditions {
  if (!hasResiduals(conditions)) return conditions;
  throw new TypeError("conditions: expected no residuals and no perturbedAttention for a network that is cut");
}
