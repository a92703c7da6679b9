/** What a page's visitor picks or drops: a `.safetensors` file, the files of a folder, or a handle of either. */
export type PickedModel = File | FileList | readonly File[] | FileSystemFileHandle | FileSystemDirectoryHandle;

/** Whether a source was picked rather than named. */
export function isPicked(source: unknown): source is PickedModel {
  const isList = Array.isArray(source) && source.every((file) => file instanceof File);
  const isFileList = typeof FileList !== "undefined" && source instanceof FileList;
  return isList || isFileList || (typeof File !== "undefined" && source instanceof File) || isHandle(source);
}

/** Whether it is what a picker of the browser gives. */
export function isHandle(source: unknown): source is FileSystemFileHandle | FileSystemDirectoryHandle {
  return typeof FileSystemHandle !== "undefined" && source instanceof FileSystemHandle;
}
