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
    };

/** How much of its picture a task changes, where that was said. */
export const strengthOf = (task: Task): number | undefined => (task.kind === "draw" ? undefined : task.strength);
