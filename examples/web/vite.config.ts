import { defaultClientConditions, defineConfig, type UserConfig } from "vite";

/** What a server has to send for WebAssembly to have several threads. */
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

const configuration: UserConfig = defineConfig({
  root: import.meta.dirname,
  // an app that has installed latentkit needs neither of these two
  resolve: { conditions: ["@latentkit/source", ...defaultClientConditions] },
  optimizeDeps: { exclude: ["onnxruntime-web"] },
  server: { headers: isolated },
  preview: { headers: isolated },
  // so that what a run needs is loaded when it needs it
  worker: { format: "es" },
  build: { outDir: "dist", emptyOutDir: true },
});
export default configuration;
