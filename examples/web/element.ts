/** The element of the page with an id. @throws TypeError when there is none of that kind. */
export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new TypeError(`id: expected a ${kind.name} with the id "${id}" in the page`);
}

/** The 2D context of a canvas. */
export function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new TypeError("canvas: expected one with a 2D context");
  return context;
}
