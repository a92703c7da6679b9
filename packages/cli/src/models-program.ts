import type { Command } from "commander";
import type { InfoFlags, ModelsFlags, PullFlags, RemoveFlags } from "./models-commands.js";

/** What the commands about models do. */
export interface ModelsActions {
  list(flags: ModelsFlags): Promise<void>;
  pull(model: string, flags: PullFlags): Promise<void>;
  rm(model: string, flags: RemoveFlags): Promise<void>;
  info(source: string | undefined, flags: InfoFlags): Promise<void>;
}

const guide = `
Models lie where Python's huggingface_hub keeps them, and each finds what the other downloaded:
HF_HUB_CACHE, HF_HOME/hub or ~/.cache/huggingface/hub. HF_TOKEN, or the token of hf auth login,
opens private and gated models; HF_ENDPOINT names a mirror; HF_HUB_OFFLINE=1 asks no network.

Examples:
  latentkit models pull stabilityai/sd-turbo --variant fp16
  latentkit models pull https://huggingface.co/owner/name/blob/main/model.safetensors
  latentkit models info stabilityai/stable-diffusion-xl-base-1.0
  latentkit models list --json | jq -r .models[].id
  latentkit models rm stabilityai/sd-turbo`;

/** `latentkit models`: the commands about what is downloaded. */
export function addModelsCommand(program: Command, actions: ModelsActions): void {
  const models = program
    .command("models")
    .description("lists, downloads, removes and describes models")
    .addHelpText("after", guide);
  command(models, "list", "lists the downloaded models").alias("ls").action(actions.list);
  command(models, "pull", "downloads a model, or continues to; tells its folder")
    .argument("<model>", "its id on the Hub (owner/name), or the web address of it or of one file")
    .option("--revision <name>", "branch, tag or commit (default: main)")
    .option("--variant <name>", "variant of the weights, such as fp16")
    .option("--token <token>", "token of an account (default: HF_TOKEN)")
    .option("--all", "every file of the repository rather than those that are needed")
    .action(actions.pull);
  command(models, "rm", "removes a downloaded model; asks before, on a terminal")
    .argument("<model>", "its id (owner/name)")
    .option("--revision <name>", "only this branch, tag or commit")
    .option("-y, --yes", "do not ask")
    .action(actions.rm);
  command(models, "info", "tells what a model is, and what memory it needs, without downloading it")
    .argument(
      "[source]",
      "an id on the Hub, a folder, a .safetensors file or a web address (default: the embedded model)",
    )
    .option("--revision <name>", "branch, tag or commit (default: main)")
    .option("--variant <name>", "variant of the weights, such as fp16")
    .option("--token <token>", "token of an account (default: HF_TOKEN)")
    .action(actions.info);
}

function command(models: Command, name: string, description: string): Command {
  return models
    .command(name)
    .description(description)
    .option("--cache-dir <folder>", "the folder of downloaded models")
    .option("--json", "tell the result as JSON");
}
