/** Where a read ends, in bytes. @throws RangeError when it does not lie in the file. */
export function rangeEnd(
  file: { readonly name: string; readonly size: number },
  offset: number,
  length?: number,
): number {
  const end = length === undefined ? file.size : offset + length;
  const inside = Number.isInteger(offset) && Number.isInteger(end) && 0 <= offset && offset <= end && end <= file.size;
  if (!inside) {
    const asked = length === undefined ? `from byte ${offset}` : `${length} bytes from byte ${offset}`;
    throw new RangeError(`offset, length: ${file.name} has ${file.size} bytes, asked for ${asked}`);
  }
  return end;
}
