// The networks of one stage in a process of its own, so that their memory is their own; speed.ts tells it when to run.
// usage: speed-variant.ts '{ "folder": …, "stage": "step", "variant": "ours", "pixels": 256, … }', with an IPC channel
import { stageNetworks } from "./network-stages.js";
import { type OpenNetwork, openNetwork } from "./open-network.js";
import type { VariantRequest } from "./speed-runners.js";

const request: VariantRequest = JSON.parse(process.argv[2] ?? "{}");
const { device, threads } = request;
const options = {
  executionProviders: [device],
  logSeverityLevel: 4,
  ...(threads !== undefined && { intraOpNumThreads: threads }),
} as const;

const networks: OpenNetwork[] = [];
const opening = await seconds(async () => {
  for (const network of await stageNetworks(request)) networks.push(await openNetwork(network, options));
});
process.on("message", async (message) => {
  if (message === "run") process.send?.({ seconds: await seconds(runAll) });
  // in GB
  else process.send?.({ peak: process.resourceUsage().maxRSS / 1e6 }, () => process.exit(0));
});
process.send?.({ seconds: opening });

async function runAll(): Promise<void> {
  for (const network of networks) await network.run();
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
