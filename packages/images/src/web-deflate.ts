/** Bytes as a zlib stream. */
export async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes of a zlib stream, which must be as many as expected. @throws Error when they are not. */
export async function inflate(parts: readonly Uint8Array[], length: number): Promise<Uint8Array> {
  const compressed = new Blob(parts.map((part) => new Uint8Array(part)));
  const reader = compressed.stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const bytes = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > length) {
      await reader.cancel();
      throw new RangeError(`more than ${length} bytes of pixels`);
    }
    bytes.set(value, at);
    at += value.length;
  }
  if (at < length) throw new RangeError(`${at} of ${length} bytes of pixels`);
  return bytes;
}
