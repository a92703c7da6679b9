// Starts the worker from its TypeScript source: `--import tsx` does not reach worker threads before Node 22.
import { register } from "tsx/esm/api";

register();
await import("./pipeline-worker.ts");
