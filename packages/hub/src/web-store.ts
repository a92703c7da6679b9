/** Where a page keeps blobs between visits. A blob is there whole or not at all. */
export interface BlobStore {
  get(key: string): Promise<Blob | undefined>;
  put(key: string, blob: Blob): Promise<void>;
  /** Takes a blob away; one that is not there is no error. */
  delete(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}
