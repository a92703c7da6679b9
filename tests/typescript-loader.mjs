import { transform } from "esbuild";

/** What webpack lacks: TypeScript without its types. */
// biome-ignore lint/style/noDefaultExport: webpack asks for one
export default async function loader(source) {
  const { code } = await transform(source, { loader: "ts", target: "es2022" });
  return code;
}
