// Bundles a page of the packages that lie in a folder's node_modules, and says what of Node got into it.
import { cp } from "node:fs/promises";
import { join } from "node:path";
import {
  bundleWithEsbuild,
  bundleWithVite,
  bundleWithWebpack,
  nodeModulesIn,
  removeBundle,
  sourceApp,
} from "../../tests/web-bundles.js";

const folder = join(process.argv[2] ?? "", "page");
await cp(sourceApp.folder, folder, { recursive: true });
for (const makeBundle of [bundleWithVite, bundleWithWebpack, bundleWithEsbuild]) {
  const bundle = await makeBundle({ folder, conditions: [] });
  for (const module of nodeModulesIn(bundle)) console.error(`${makeBundle.name}: ${module}`);
  await removeBundle(bundle);
}
