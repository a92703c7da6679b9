/** One file of a model, read by range. */
export interface ModelFile {
  /** Its path inside the model, for messages: `unet/diffusion_pytorch_model.safetensors`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Its real absolute path, symbolic links resolved, when it lies on a disk that a session can map. */
  readonly path?: string;
  /** The file that its content is made of, and how: the same ones make the same content. */
  readonly madeOf?: { readonly file: ModelFile; readonly how: string };
  /** Bytes from `offset`, to the end when `length` is left out. */
  read(offset?: number, length?: number): Promise<Uint8Array>;
}

/** A model's folder, wherever it is: a disk, the Hub, a browser's cache. */
export interface ModelFiles {
  /** Where it is, for messages. */
  readonly location: string;
  /** The one file that this model is, when it is no folder: a checkpoint with all networks in one `.safetensors`. */
  readonly singleFile?: ModelFile;
  /** The file, or undefined when there is none. */
  find(path: string): Promise<ModelFile | undefined>;
  /** A folder inside. */
  at(folder: string): ModelFiles;
}

/** A file that a graph's initializers point into, by byte range. */
export interface ExternalFile {
  /** The name under which the graph mentions it. */
  readonly location: string;
  readonly file: ModelFile;
}

/** A network ready for a session: an ONNX model of a few hundred kilobytes, and the weight files it points into. */
export interface ModelGraph {
  readonly graph: Uint8Array;
  readonly externalFiles: readonly ExternalFile[];
}
