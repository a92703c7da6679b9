import type { LatentKitError, ModelFiles } from "@latentkit/core";
import { memoryModel } from "@latentkit/hub";
import type { Config } from "./unet-config.js";

/** A folder of JSON files, by name. */
export function jsonFolder(location: string, files: Readonly<Record<string, Config>>): ModelFiles {
  const bytes = (value: Config) => new TextEncoder().encode(JSON.stringify(value, null, 2));
  return memoryModel(Object.fromEntries(Object.entries(files).map(([name, value]) => [name, bytes(value)])), location);
}

/** A folder that says why it cannot be opened. */
export function refusingFolder(location: string, error: LatentKitError): ModelFiles {
  const folder: ModelFiles = { location, find: () => Promise.reject(error), at: () => folder };
  return folder;
}

/** Files at the root, and folders by name. `absent` ones are found only by who opens them. */
export function folderTree(
  root: ModelFiles,
  folders: ReadonlyMap<string, ModelFiles>,
  absent: ReadonlyMap<string, ModelFiles>,
): ModelFiles {
  return {
    location: root.location,
    async find(path) {
      const [name, inside] = parts(path);
      return inside === "" ? root.find(name) : folders.get(name)?.find(inside);
    },
    at(path) {
      const [name, inside] = parts(path);
      const folder = folders.get(name) ?? absent.get(name) ?? memoryModel({}, `${root.location}/${name}`);
      return inside === "" ? folder : folder.at(inside);
    },
  };
}

/** `unet/config.json` → `unet` and `config.json`. */
function parts(path: string): readonly [first: string, rest: string] {
  const [first = "", ...rest] = path.split("/").filter((name) => name !== "" && name !== ".");
  return [first, rest.join("/")];
}
