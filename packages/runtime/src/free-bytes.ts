/** Gives the memory of arrays back, which must not be used any more. */
export type FreeBytes = (arrays: readonly Uint8Array<ArrayBuffer>[]) => void;

/**
 * Makes what frees memory at once, where the garbage collector would take its time: bytes are transferred into a port
 * that nobody listens to at its other end.
 */
export function createFreeBytes(): FreeBytes {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return (arrays) => {
    const buffers = new Set(arrays.map(({ buffer }) => buffer).filter(({ byteLength }) => byteLength > 0));
    port1.postMessage(undefined, [...buffers]);
  };
}
