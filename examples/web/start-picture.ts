import type { Start } from "./artist.js";
import { contextOf, element } from "./element.js";
import { readSettings } from "./settings.js";

/** Pixels of the canvas for one of the picture that is drawn, so that strokes are smooth. */
const FINE = 4;
/** Pixels of the canvas that a key moves the brush by. */
const KEY_STEP = 8;

const panel = element("start", HTMLElement);
const empty = element("start-empty", HTMLElement);
const chooser = element("start-file", HTMLInputElement);
const canvas = element("start-picture", HTMLCanvasElement);
const easel = element("easel", HTMLElement);
const brushSize = element("brush-size", HTMLInputElement);
const hint = element("start-hint", HTMLElement);
const mask = document.createElement("canvas");

let picture: ImageBitmap | undefined;
let isPainted = false;
let brush: { x: number; y: number } | undefined;

/** The picture to begin from as the form says it, when there is one. */
export function readStart(): Start | undefined {
  if (!picture) return undefined;
  const { width, height } = readSettings();
  const image = scaled((context) => drawPicture(context, width, height), width, height);
  const paint = (context: CanvasRenderingContext2D) => {
    context.fillStyle = "black";
    context.fillRect(0, 0, width, height);
    context.drawImage(mask, 0, 0, width, height);
  };
  return { image, mask: isPainted ? scaled(paint, width, height) : undefined };
}

/** Takes a picture to begin from. */
export async function takeStart(file: Blob): Promise<void> {
  picture?.close();
  picture = await createImageBitmap(file);
  clearMask();
  panel.hidden = false;
  empty.hidden = true;
  fitCanvas();
}

/** Lets the visitor choose a picture, drop one anywhere, paste one, and brush over it. */
export function watchStart(onFailure: (error: unknown) => void): void {
  const take = (files: FileList | null | undefined) => {
    const file = [...(files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file)
      takeStart(file).catch(() => onFailure(new TypeError(`${file.name} is no picture that this browser reads.`)));
    else if (files && files.length > 0) onFailure(new TypeError("That is no picture."));
  };
  chooser.addEventListener("change", () => take(chooser.files));
  addEventListener("paste", ({ clipboardData }) => take(clipboardData?.files));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    take(event.dataTransfer?.files);
  });
  element("size", HTMLSelectElement).addEventListener("change", fitCanvas);
  element("start-remove", HTMLButtonElement).addEventListener("click", remove);
  element("mask-clear", HTMLButtonElement).addEventListener("click", clearMask);
  watchBrush();
}

function remove(): void {
  picture?.close();
  picture = undefined;
  chooser.value = "";
  panel.hidden = true;
  empty.hidden = false;
  chooser.focus();
}

function clearMask(): void {
  contextOf(mask).clearRect(0, 0, mask.width, mask.height);
  isPainted = false;
  show();
}

/** Makes the canvas as wide and high as the picture that will be drawn. */
function fitCanvas(): void {
  if (!picture) return;
  const { width, height } = readSettings();
  const old = isPainted ? mask.cloneNode() : undefined;
  if (old instanceof HTMLCanvasElement) contextOf(old).drawImage(mask, 0, 0);
  for (const one of [canvas, mask]) Object.assign(one, { width: width * FINE, height: height * FINE });
  if (old instanceof HTMLCanvasElement) contextOf(mask).drawImage(old, 0, 0, mask.width, mask.height);
  show();
}

/** Shows the picture, what is brushed over, and where the brush of the keyboard is. */
function show(): void {
  const context = contextOf(canvas);
  const { width, height } = canvas;
  drawPicture(context, width, height);
  context.globalAlpha = 0.65;
  context.drawImage(tinted(), 0, 0);
  context.globalAlpha = 1;
  if (brush && document.activeElement === easel) {
    context.strokeStyle = "#fff";
    context.lineWidth = 3;
    context.beginPath();
    context.arc(brush.x, brush.y, radius(), 0, 2 * Math.PI);
    context.stroke();
    context.strokeStyle = "#000";
    context.lineWidth = 1;
    context.stroke();
  }
  hint.textContent = isPainted
    ? "Only what is brushed over is painted anew."
    : "Brush over what to paint anew, or leave it.";
}

/** The mask in a colour. */
function tinted(): HTMLCanvasElement {
  const layer = document.createElement("canvas");
  Object.assign(layer, { width: mask.width, height: mask.height });
  const context = contextOf(layer);
  context.fillStyle = "#a13bc9";
  context.fillRect(0, 0, layer.width, layer.height);
  context.globalCompositeOperation = "destination-in";
  context.drawImage(mask, 0, 0);
  return layer;
}

/** The picture in white, cut at its sides so that it fills the area. */
function drawPicture(context: CanvasRenderingContext2D, width: number, height: number): void {
  if (!picture) return;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  context.imageSmoothingQuality = "high";
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
}

function scaled(draw: (context: CanvasRenderingContext2D) => void, width: number, height: number): ImageData {
  const small = document.createElement("canvas");
  Object.assign(small, { width, height });
  const context = contextOf(small);
  draw(context);
  return context.getImageData(0, 0, width, height);
}

const radius = (): number => (brushSize.valueAsNumber * canvas.width) / 200;

function watchBrush(): void {
  easel.tabIndex = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    brush = placeOf(event);
    stroke(brush);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const from = brush ?? placeOf(event);
    brush = placeOf(event);
    stroke(from);
  });
  easel.addEventListener("keydown", moveByKey);
  for (const type of ["focus", "blur"]) easel.addEventListener(type, show);
}

function placeOf({ offsetX, offsetY }: PointerEvent): { x: number; y: number } {
  return { x: (offsetX / canvas.clientWidth) * canvas.width, y: (offsetY / canvas.clientHeight) * canvas.height };
}

/** Paints from a place to where the brush is. */
function stroke(from: { readonly x: number; readonly y: number }): void {
  const to = brush ?? from;
  const context = contextOf(mask);
  context.strokeStyle = "white";
  context.lineCap = "round";
  context.lineWidth = 2 * radius();
  context.beginPath();
  context.moveTo(from.x, from.y);
  // a line of no length is a dot only where it has some
  context.lineTo(to.x + 0.01, to.y);
  context.stroke();
  isPainted = true;
  show();
}

/** Arrows move the brush, the space bar paints, and both together draw a line. */
function moveByKey(event: KeyboardEvent): void {
  const ways: Readonly<Record<string, readonly [number, number]>> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
    " ": [0, 0],
  };
  const way = ways[event.key];
  if (!way) return;
  event.preventDefault();
  const from = brush ?? { x: canvas.width / 2, y: canvas.height / 2 };
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most);
  brush = {
    x: within(from.x + way[0] * KEY_STEP, canvas.width),
    y: within(from.y + way[1] * KEY_STEP, canvas.height),
  };
  if (event.key === " " || event.shiftKey) stroke(from);
  else show();
}
