import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

// the software driver that Debian's chromium brings, with its loader
const chromium = "/usr/lib/chromium";
const software = existsSync(`${chromium}/vk_swiftshader_icd.json`);
const vulkan: Readonly<Record<string, string>> = software
  ? { VK_ICD_FILENAMES: `${chromium}/vk_swiftshader_icd.json`, LD_LIBRARY_PATH: chromium, XDG_RUNTIME_DIR: tmpdir() }
  : {};

/** Runs a module of a package in a process of its own, since a driver is chosen at its start, and gives what it prints. */
export async function withWebgpu(packageFolder: string, program: string): Promise<string> {
  const args = ["--conditions=@latentkit/source", "--import=tsx", "--input-type=module", "--eval", program];
  const cwd = fileURLToPath(new URL(`../${packageFolder}/`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, env: { ...process.env, ...vulkan } });
  return stdout;
}

/** Whether WebGPU works here, and what it needs where it does not. */
export async function webgpuStatus(): Promise<{ works: boolean; reason: string }> {
  const program =
    'const { onnxruntimeNode } = await import("@latentkit/runtime/node"); await onnxruntimeNode({ device: "webgpu" });';
  const works =
    software ||
    (await withWebgpu("packages/runtime", program).then(
      () => true,
      () => false,
    ));
  return {
    works,
    reason: works ? "" : " (needs a graphics driver: apt-get install chromium brings one in software)",
  };
}
