import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { runModule } from "./run-module.js";

// the software driver that Debian's chromium brings, with its loader
const chromium = "/usr/lib/chromium";
const software = existsSync(`${chromium}/vk_swiftshader_icd.json`);
const vulkan: Readonly<Record<string, string>> = software
  ? { VK_ICD_FILENAMES: `${chromium}/vk_swiftshader_icd.json`, LD_LIBRARY_PATH: chromium, XDG_RUNTIME_DIR: tmpdir() }
  : {};

/** Runs a module in a process of its own, since a driver is chosen at its start, and gives what it prints. */
export async function withWebgpu(program: string): Promise<string> {
  return (await runModule(program, vulkan)).stdout;
}

/** Whether WebGPU works here, and what it needs where it does not. */
export async function webgpuStatus(): Promise<{ works: boolean; reason: string }> {
  const program =
    'const { onnxruntimeNode } = await import("@latentkit/runtime/node"); await onnxruntimeNode({ device: "webgpu" });';
  const works =
    software ||
    (await withWebgpu(program).then(
      () => true,
      () => false,
    ));
  return {
    works,
    reason: works ? "" : " (needs a graphics driver: apt-get install chromium brings one in software)",
  };
}
