/** What to do with a text, and perhaps with a picture; paths are as the user wrote them. */
export type Task =
  | { readonly kind: "draw" }
  | { readonly kind: "img2img"; readonly image: string; readonly strength: number }
  | {
      readonly kind: "inpaint";
      readonly image: string;
      /** What is transparent in the picture when left out. */
      readonly mask: string | undefined;
      readonly strength: number | undefined;
      readonly paddingMaskCrop: number | undefined;
      readonly overlay: boolean;
    }
  | {
      readonly kind: "upscale";
      readonly image: string;
      /** Four times by a network made for it, else twice, when left out. */
      readonly scale: number | undefined;
      readonly strength: number | undefined;
      readonly noiseLevel: number | undefined;
    }
  | ControlTask;

/** How a picture is made into what a network was trained to be steered by. */
export type Preprocessing = "canny" | "scribble" | "depth" | "grey" | "tile" | "none";

/** To draw what another picture steers. */
export interface ControlTask {
  readonly kind: "control";
  readonly image: string;
  readonly preprocess: Preprocessing;
  /** A ControlNet's id, folder or file; the model's own when left out. */
  readonly controlnet: string | undefined;
  /** A T2I-Adapter's, in place of a ControlNet. */
  readonly adapter: string | undefined;
  readonly scale: number | undefined;
  /** Shares of the steps. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly guess: boolean | undefined;
}

/** How much of its picture a task changes, where that was said. */
export const strengthOf = (task: Task): number | undefined => ("strength" in task ? task.strength : undefined);
