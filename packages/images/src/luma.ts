/** The brightness of a colour from 0 to 255, as Pillow's `convert("L")` computes it (ITU-R BT.601). */
export const luma = (red: number, green: number, blue: number): number =>
  (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
