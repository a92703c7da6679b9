import { type Command, Option } from "commander";
import { addDrawingOptions, type Draw } from "./drawing-options.js";
import type { Flags } from "./flags.js";
import { finiteNumber, wholeNumber } from "./number-arguments.js";
import type { ControlTask, Preprocessing } from "./task.js";

const prompts = {
  img2img: "what to make of the picture, in quotes",
  inpaint: "what to paint, in quotes",
  upscale: "what the picture shows, in quotes",
  control: "what to draw, in quotes",
} as const;

interface ImageFlags extends Flags {
  readonly image: string;
  readonly strength?: number;
}
interface InpaintFlags extends ImageFlags {
  readonly mask?: string;
  readonly paddingMaskCrop?: number;
  readonly overlay: boolean;
}
interface ControlFlags extends Flags, Omit<ControlTask, "kind"> {}
interface UpscaleFlags extends ImageFlags {
  readonly scale?: number;
  readonly noiseLevel?: number;
}

const preprocessings: readonly Preprocessing[] = ["canny", "scribble", "depth", "grey", "tile", "none"];

/** `latentkit img2img`, `inpaint`, `upscale` and `control`: the commands that begin from a picture. */
export function addImageCommands(program: Command, draw: Draw): void {
  command(program, "img2img", "makes another picture of a picture", "<prompt>")
    .option("--strength <share>", "how much to change, above 0 and up to 1", finiteNumber, 0.8)
    .action((prompt: string, { image, strength = 0.8, ...flags }: ImageFlags) =>
      draw(prompt, flags, { kind: "img2img", image, strength }),
    );
  command(program, "inpaint", "paints a part of a picture anew", "<prompt>")
    .option("--mask <file>", "a picture that is white where to paint (default: what is transparent in the picture)")
    .option("--strength <share>", "how much to change, above 0 and up to 1 (default: 1)", finiteNumber)
    .option("--padding-mask-crop <n>", "paint only the surroundings of the mask, so many pixels", wholeNumber(0))
    .option("--no-overlay", "let the rest of the picture pass through the model, too")
    .action((prompt: string, { image, mask, strength, paddingMaskCrop, overlay, ...flags }: InpaintFlags) =>
      draw(prompt, flags, { kind: "inpaint", image, mask, strength, paddingMaskCrop, overlay }),
    );
  command(program, "upscale", "enlarges a picture", "[prompt]")
    .option("--scale <n>", "how many times (default: 2, by a ×4 upscaler 4)", finiteNumber)
    .option("--strength <share>", "how much to change, above 0 and up to 1 (default: 0.3)", finiteNumber)
    .option("--noise-level <n>", "of a ×4 upscaler: how freely it draws, 0 to 350 (default: 20)", wholeNumber(0))
    .action((prompt: string | undefined, { image, scale, strength, noiseLevel, ...flags }: UpscaleFlags) =>
      draw(prompt ?? "", flags, { kind: "upscale", image, scale, strength, noiseLevel }),
    );
  addControlCommand(program, draw);
}

function addControlCommand(program: Command, draw: Draw): void {
  command(program, "control", "draws what another picture steers: its edges, its depth, its tones", "<prompt>")
    .option("--controlnet <source>", "what steers: a ControlNet's id on the Hub, folder or file (default: the model's)")
    .option("--adapter <source>", "a T2I-Adapter in place of a ControlNet")
    .addOption(
      new Option("--preprocess <how>", "what to make of the picture first").choices(preprocessings).default("none"),
    )
    .option("--scale <n>", "how strongly it steers (default: 1)", finiteNumber)
    .option("--start <share>", "share of the steps after which a ControlNet begins (default: 0)", finiteNumber)
    .option("--end <share>", "share of the steps after which it ends (default: 1)", finiteNumber)
    .option("--guess", "let the picture suffice, with or without a prompt")
    .action(
      (prompt: string, { image, preprocess, controlnet, adapter, scale, start, end, guess, ...flags }: ControlFlags) =>
        draw(prompt, flags, { kind: "control", image, preprocess, controlnet, adapter, scale, start, end, guess }),
    );
}

function command(program: Command, name: keyof typeof prompts, description: string, argument: string): Command {
  const added = program.command(name).description(description).argument(argument, prompts[name]);
  return addDrawingOptions(added.requiredOption("-i, --image <file>", "the picture: PNG, or JPEG and WebP with sharp"));
}
