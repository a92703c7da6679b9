import { LatentKitError, type ModelFiles, type ModelGraph } from "@latentkit/core";
import { type ModelSource, tryReadJson } from "@latentkit/hub";
import { type AutoencoderKLConfig, autoencoderKLConfig, hasWeights } from "@latentkit/onnx";
import type { Backend } from "@latentkit/runtime";
import { type ExportRoles, vaeDecoderRoles, vaeEncoderRoles } from "./export-roles.js";
import { merged } from "./exported-config.js";
import type { ExportableAutoencoder } from "./latent-codec.js";
import type { LoadOptions } from "./load-options.js";
import { isXl } from "./model-index.js";
import { type ExportedNetwork, exportBackend, exportedNetwork, fixedAxis } from "./open-export.js";
import { openFiles } from "./open-files.js";
import { checkLoadOptions, openBackend } from "./open-network.js";
import { drawsLatents, posteriorSession } from "./posterior-session.js";

/** What the runner of an exported autoencoder begins with. */
export interface ExportedAutoencoder {
  readonly networks: ExportableAutoencoder;
  readonly config: AutoencoderKLConfig;
  readonly backend: Backend;
}

const STEM = "diffusion_pytorch_model";
/** Factors of the latents where no configuration says: of Stable Diffusion 1 and 2, and of SDXL. */
const SCALING_FACTOR = 0.18215;
const SDXL_SCALING_FACTOR = 0.13025;
/** The published autoencoders' four resolutions: 8 pixels per latent. */
const BLOCKS = {
  block_out_channels: [128, 256, 512, 512],
  down_block_types: new Array(4).fill("DownEncoderBlock2D"),
  up_block_types: new Array(4).fill("UpDecoderBlock2D"),
};

/** Stands for the half that an export lacks. */
const MISSING: ModelGraph = { graph: new Uint8Array(), externalFiles: [] };

/**
 * Opens the halves of an exported autoencoder: `vae_decoder/` and `vae_encoder/` beside, or in place of, a `vae/`
 * folder; a decoder alone may lie in that folder itself. Undefined where there is a checkpoint, or nothing.
 *
 * @param own the autoencoder's folder, `options.subfolder` of the source.
 */
export async function openExportedAutoencoder(
  source: ModelSource,
  own: ModelFiles,
  options: LoadOptions,
): Promise<ExportedAutoencoder | undefined> {
  checkLoadOptions(options);
  if (await hasWeights(own, STEM, options.variant)) return undefined;
  const { subfolder, onWarning: _, ...silent } = options;
  const root = subfolder === undefined ? own : await openFiles(source, silent);
  const half = (name: string) => root.at(`${subfolder ?? "vae"}_${name}`);
  const open = (files: ModelFiles, roles: ExportRoles) => exportedNetwork(files, STEM, roles, options);
  const decoder = (await open(half("decoder"), vaeDecoderRoles)) ?? (await open(own, vaeDecoderRoles));
  if (!decoder) return undefined;
  const encoder = await open(half("encoder"), vaeEncoderRoles);
  const folders = [own, half("encoder"), half("decoder")];
  const config = await exportedConfig(decoder, folders, await isXl(root, options));
  if (encoder && drawsLatents(encoder, config.latentChannels)) warnOfDraws(encoder, options);
  return {
    networks: {
      decoder: decoder.graph,
      encoder: encoder?.graph ?? MISSING,
      unusedTensors: [],
      drawsLatents: encoder !== undefined && drawsLatents(encoder, config.latentChannels),
    },
    config,
    backend: halvesBackend(await openBackend(options), decoder, encoder, config),
  };
}

/** What the folders' configurations say, later ones first, and the published defaults of the family. */
async function exportedConfig(
  decoder: ExportedNetwork,
  folders: readonly ModelFiles[],
  xl: boolean,
): Promise<AutoencoderKLConfig> {
  const found = await Promise.all(folders.map((files) => tryReadJson(files, "config.json")));
  const json: Readonly<Record<string, unknown>> = Object.assign({}, ...found);
  const defaults = { scaling_factor: xl ? SDXL_SCALING_FACTOR : SCALING_FACTOR };
  const blocks = json.block_out_channels == null ? BLOCKS : {};
  const known = { latent_channels: fixedAxis(decoder, "latent_sample", 1) };
  return autoencoderKLConfig(merged({ ...defaults, ...json, ...blocks }, known), `${decoder.graph.location}: config`);
}

function halvesBackend(
  backend: Backend,
  decoder: ExportedNetwork,
  encoder: ExportedNetwork | undefined,
  { latentChannels }: AutoencoderKLConfig,
): Backend {
  const networks = encoder ? [decoder, encoder] : [decoder];
  const exports = exportBackend(backend, networks, (session, network) =>
    network === encoder ? posteriorSession(session, network, latentChannels) : session,
  );
  return {
    name: exports.name,
    device: exports.device,
    async createSession(model) {
      if (model !== MISSING) return exports.createSession(model);
      const message = `${decoder.graph.location}: the export has no vae_encoder beside it, so pictures cannot be turned into latents; take one that has`;
      throw new LatentKitError("unsupported-model", message);
    },
  };
}

function warnOfDraws({ graph }: ExportedNetwork, { onWarning }: LoadOptions): void {
  const message = `${graph.location} draws latents itself: the same picture and seed give other latents each time`;
  onWarning?.({ code: "unseeded-encoder", message });
}
