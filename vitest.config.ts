import { defineConfig, type ViteUserConfig } from "vitest/config";

const configuration: ViteUserConfig = defineConfig({
  resolve: { conditions: ["@latentkit/source"] },
  ssr: {
    resolve: {
      conditions: ["@latentkit/source", "module", "node", "import", "default"],
      externalConditions: ["@latentkit/source", "node", "import", "default"],
    },
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts"],
    testTimeout: 60_000,
    pool: "forks",
    // session workers run from the TypeScript sources too
    execArgv: ["--conditions=@latentkit/source", "--import=tsx"],
    maxWorkers: 2,
  },
});
export default configuration;
