import { element } from "./element.js";
import { type Drawn, forgetAll, keep, readHistory } from "./history.js";

const section = element("history", HTMLElement);
const strip = element("strip", HTMLElement);

/** The pictures that were drawn, newest first. */
export interface HistoryStrip {
  add(drawn: Drawn): Promise<void>;
}

/** Shows the pictures of earlier visits; `onChoose` is told which one is chosen. */
export async function openStrip(onChoose: (drawn: Drawn) => void): Promise<HistoryStrip> {
  const show = (drawn: Drawn) => {
    strip.prepend(item(drawn, () => onChoose(drawn)));
    section.hidden = false;
  };
  for (const drawn of (await readHistory()).reverse()) show(drawn);
  element("forget", HTMLButtonElement).addEventListener("click", async () => {
    await forgetAll();
    for (const image of strip.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    strip.replaceChildren();
    section.hidden = true;
    element("prompt", HTMLTextAreaElement).focus();
  });
  return {
    async add(drawn) {
      show(drawn);
      // a full disk costs the memory of this picture, and nothing else
      await keep(drawn).catch(() => undefined);
    },
  };
}

function item({ png, settings: { prompt, seed } }: Drawn, choose: () => void): HTMLElement {
  const entry = document.createElement("li");
  const button = document.createElement("button");
  const image = new Image();
  image.src = URL.createObjectURL(png);
  image.alt = prompt === "" ? "no prompt" : prompt;
  button.type = "button";
  button.title = `${image.alt}, seed ${seed}`;
  button.addEventListener("click", choose);
  button.append(image);
  entry.append(button);
  return entry;
}
