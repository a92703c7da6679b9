/// <reference types="vite/client" />
import type { GenerateResult, RgbaImage } from "latentkit";
import { type Artist, type Choices, openArtist, type Start } from "./artist.js";
import { contextOf, element } from "./element.js";
import { type Drawn, newId } from "./history.js";
import { type HistoryStrip, openStrip } from "./history-strip.js";
import { duration, megabytes, say, showProgress, showStep, showTimes } from "./progress.js";
import { parametersText, readSettings, type Settings, showSettings } from "./settings.js";
import { readStart, takeStart, watchStart } from "./start-picture.js";

const form = element("form", HTMLFormElement);
const prompt = element("prompt", HTMLTextAreaElement);
const draw = element("draw", HTMLButtonElement);
const cancel = element("cancel", HTMLButtonElement);
const picture = element("picture", HTMLCanvasElement);
const frame = element("frame", HTMLElement);
const welcome = element("welcome", HTMLElement);
const caption = element("caption", HTMLElement);
const actions = element("actions", HTMLElement);
const download = element("download", HTMLAnchorElement);
const problem = element("problem", HTMLElement);
const device = element("device", HTMLElement);
const seed = element("seed", HTMLInputElement);

const deviceNames: Readonly<Record<string, string>> = { webgpu: "GPU · WebGPU", wasm: "CPU · WebAssembly" };

let artist: Promise<Artist> | undefined;
let shown: Drawn | undefined;
let stop: AbortController | undefined;

/** What the page's address asks for. */
function choices(): Choices {
  const { searchParams } = new URL(location.href);
  const device = searchParams.get("device");
  return {
    device: device === "wasm" || device === "webgpu" ? device : "auto",
    model: searchParams.get("model") ?? undefined,
  };
}

/** Opens the model; once it is open it stays, and after a failure the next picture tries again. */
function openModel(): Promise<Artist> {
  artist ??= open().catch((error: unknown) => {
    artist = undefined;
    device.textContent = "No model";
    throw error;
  });
  return artist;
}

async function open(): Promise<Artist> {
  const begin = performance.now();
  showProgress(undefined, "Opening the model");
  const opened = await openArtist(choices(), ({ loaded, total }) =>
    showProgress(loaded / total, `Opening the model: ${megabytes(loaded)} of ${megabytes(total)}`),
  );
  device.textContent = deviceNames[opened.device] ?? opened.device;
  element("reason", HTMLElement).textContent = `Runs on ${opened.reason}.`;
  document.body.dataset.device = opened.device;
  showProgress(0, `Ready. The model opened in ${duration(performance.now() - begin)}.`);
  return opened;
}

async function drawPicture(strip: HistoryStrip): Promise<void> {
  const [settings, start] = [readSettings(), readStart()];
  const controller = new AbortController();
  const { signal } = controller;
  stop = controller;
  begin(settings);
  try {
    const opened = await openModel();
    signal.throwIfAborted();
    say(`Drawing ${settings.prompt}`);
    const result = await run(opened, settings, start, signal);
    const drawn = await drawnOf(result, settings, start !== undefined);
    await show(drawn);
    await strip.add(drawn);
    say("The picture is done.");
  } catch (error) {
    fail(error, signal);
  } finally {
    end();
  }
}

async function run(
  opened: Artist,
  settings: Settings,
  start: Start | undefined,
  signal: AbortSignal,
): Promise<GenerateResult> {
  const times: number[] = [];
  const begin = performance.now();
  showProgress(0, "Reading the prompt");
  const result = await opened.draw(settings, start, {
    signal,
    async onStep(step) {
      times.push(performance.now());
      showStep(step, times);
      const [preview] = await step.preview();
      if (preview && !signal.aborted) paint(preview);
    },
  });
  const finish = performance.now();
  showTimes({ begin, steps: times, end: finish });
  showProgress(1, `Done in ${duration(finish - begin)}.`);
  return result;
}

/** A picture as a file that carries how it was made. */
async function drawnOf({ images, seeds }: GenerateResult, wanted: Settings, isFromImage: boolean): Promise<Drawn> {
  const [image] = images;
  if (!image) throw new RangeError("images: expected one, got none");
  const settings = { ...wanted, seed: seeds[0] };
  const text = { parameters: parametersText(settings, isFromImage), latentkit: JSON.stringify(settings) };
  return { id: newId(), png: await image.toBlob({ text }), settings };
}

function paint(image: RgbaImage): void {
  showCanvas(image);
  contextOf(picture).putImageData(image.toImageData(), 0, 0);
}

/** Makes room for a picture of a size. */
function showCanvas({ width, height }: { readonly width: number; readonly height: number }): void {
  Object.assign(picture, { width, height });
  picture.style.setProperty("--shape", String(width / height));
  welcome.hidden = true;
  picture.hidden = false;
}

/** Shows a picture that is done. */
async function show(drawn: Drawn): Promise<void> {
  const bitmap = await createImageBitmap(drawn.png);
  showCanvas(bitmap);
  contextOf(picture).drawImage(bitmap, 0, 0);
  bitmap.close();
  const { prompt, seed, width, height } = drawn.settings;
  picture.setAttribute("aria-label", prompt === "" ? "A picture without a prompt" : prompt);
  caption.textContent = `${prompt === "" ? "No prompt" : prompt} · seed ${seed} · ${width}×${height}`;
  URL.revokeObjectURL(download.href);
  download.href = URL.createObjectURL(drawn.png);
  download.download = `${prompt.replaceAll(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "picture"}-${seed}.png`;
  shown = drawn;
  actions.hidden = false;
}

function begin({ prompt }: Settings): void {
  problem.hidden = true;
  caption.textContent = prompt;
  document.body.classList.add("drawing");
  exchange(draw, cancel);
  frame.scrollIntoView({ block: "nearest", behavior: "smooth" });
}

function end(): void {
  stop = undefined;
  document.body.classList.remove("drawing");
  exchange(cancel, draw);
}

/** Shows one button in the place of another; who is on the one is then on the other. */
function exchange(old: HTMLElement, next: HTMLElement): void {
  const isFocused = document.activeElement === old;
  old.hidden = true;
  next.hidden = false;
  if (isFocused) next.focus({ preventScroll: true });
}

/** Shows what went wrong, unless the visitor wanted it to end. */
function fail(error: unknown, signal?: AbortSignal): void {
  if (signal?.aborted) {
    showProgress(0, "Cancelled.");
    say("Cancelled.");
    if (shown) void show(shown);
    return;
  }
  showProgress(0, "That did not work.");
  problem.textContent = error instanceof Error ? error.message : String(error);
  if (shown) void show(shown);
  problem.hidden = false;
}

function watchForm(strip: HistoryStrip): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!stop) void drawPicture(strip);
  });
  prompt.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  addEventListener("keydown", ({ key }) => {
    if (key === "Escape") stop?.abort();
  });
  cancel.addEventListener("click", () => stop?.abort());
  element("dice", HTMLButtonElement).addEventListener("click", () => {
    const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
    seed.valueAsNumber = number;
    say(`Seed ${number}`);
  });
  element("reuse", HTMLButtonElement).addEventListener("click", () => {
    if (shown) takeStart(shown.png).catch(fail);
  });
  for (const example of document.querySelectorAll<HTMLButtonElement>("[data-prompt]")) {
    example.addEventListener("click", () => {
      prompt.value = example.dataset.prompt ?? "";
      form.requestSubmit();
    });
  }
  for (const slider of document.querySelectorAll<HTMLInputElement>("input[type=range]")) {
    const tell = () => {
      element(`${slider.id}-value`, HTMLOutputElement).value = slider.value;
    };
    slider.addEventListener("input", tell);
    tell();
  }
}

watchStart(fail);
watchForm(
  await openStrip((drawn) => {
    if (stop) return;
    showSettings(drawn.settings);
    show(drawn).catch(fail);
  }),
);
document.body.dataset.ready = "yes";
openModel().catch(fail);
// while developing, what is kept would be what was written before; where storage is blocked, nothing can be
if (import.meta.env.MODE === "production")
  await navigator.serviceWorker?.register("./service-worker.js").catch(() => undefined);
