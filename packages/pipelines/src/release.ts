/** Lets go of a part's memory until it is needed again, where the part was opened so. */
export async function release(...parts: readonly (object | undefined)[]): Promise<void> {
  for (const part of parts) if (part && "release" in part && typeof part.release === "function") await part.release();
}
