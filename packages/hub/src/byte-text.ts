/**
 * Bytes for people, in powers of 1000 as the Hub and disks count.
 *
 * @example
 * ```ts
 * byteText(3_438_167_540); // "3.44 GB"
 * ```
 */
export function byteText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}
