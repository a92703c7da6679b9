import { LatentKitError, type ModelFile, type ModelFiles } from "@latentkit/core";
import { rangeEnd } from "./byte-range.js";
import { checkFileKind } from "./check-file-kind.js";
import { isHandle, type PickedModel } from "./is-picked.js";
import { modelFolder } from "./model-folder.js";
import { singleFileModel } from "./single-file-model.js";

/**
 * A model from the visitor's disk, which is read where it is: `input.files` of an `<input type="file">`, also with
 * `webkitdirectory`; a dropped file; what `showDirectoryPicker()` and `showOpenFilePicker()` give.
 *
 * @throws TypeError when it is none of these, LatentKitError `"unsupported-model"` for a file that is no `.safetensors`.
 * @example
 * ```ts
 * const input = document.querySelector<HTMLInputElement>("input[type=file]");
 * const model = await pickedModel(input!.files!);
 * ```
 */
export async function pickedModel(picked: PickedModel): Promise<ModelFiles> {
  if (isHandle(picked)) return picked.kind === "file" ? fileModel(await picked.getFile()) : directoryModel(picked);
  if (picked instanceof File) return fileModel(picked);
  const files = [...picked];
  const [first, ...others] = files;
  if (!first) throw new TypeError("files: expected at least one, got none");
  return others.length === 0 && pathOf(first) === first.name ? fileModel(first) : listModel(files);
}

function fileModel(file: File): ModelFiles {
  checkFileKind(file.name, file.name);
  return singleFileModel(blobFile(file.name, file), file.name);
}

/** The files of a folder; the browser's paths begin with the folder's own name. */
function listModel(files: readonly File[]): ModelFiles {
  const [first = ""] = files.map(pathOf);
  const top = first.includes("/") ? first.slice(0, first.indexOf("/") + 1) : "";
  const byPath = new Map(files.map((file) => [pathOf(file).slice(top.length), file]));
  return modelFolder(top.replace("/", "") || "the picked files", async (path) => {
    const file = byPath.get(path);
    return file && blobFile(path, file);
  });
}

const pathOf = (file: File): string => file.webkitRelativePath || file.name;

function directoryModel(root: FileSystemDirectoryHandle): ModelFiles {
  return modelFolder(root.name, async (path) => {
    const names = path.split("/");
    const name = names.pop() ?? "";
    try {
      let folder = root;
      for (const part of names) folder = await folder.getDirectoryHandle(part);
      return blobFile(path, await (await folder.getFileHandle(name)).getFile());
    } catch (cause) {
      if (cause instanceof DOMException && ["NotFoundError", "TypeMismatchError"].includes(cause.name))
        return undefined;
      throw new LatentKitError("file-not-found", `${root.name}/${path} cannot be read; pick the folder again`, {
        cause,
      });
    }
  });
}

function blobFile(name: string, blob: Blob): ModelFile {
  const { size } = blob;
  return {
    name,
    size,
    async read(offset = 0, length) {
      const part = blob.slice(offset, rangeEnd({ name, size }, offset, length));
      return new Uint8Array(await part.arrayBuffer());
    },
  };
}
