import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { hubSettings } from "./hub-settings.js";

const cacheOf = async (env: Record<string, string>) => (await hubSettings({}, env)).cacheDir;

it("keeps models where Python's huggingface_hub does", async () => {
  expect(await cacheOf({})).toBe(join(homedir(), ".cache/huggingface/hub"));
  const env = { XDG_CACHE_HOME: "/xdg", HF_HOME: "", HUGGINGFACE_HUB_CACHE: "", HF_HUB_CACHE: "" };
  expect(await cacheOf(env)).toBe("/xdg/huggingface/hub");
  expect(await cacheOf({ ...env, HF_HOME: "/hf" })).toBe("/hf/hub");
  expect(await cacheOf({ ...env, HF_HOME: "~/hf" })).toBe(join(homedir(), "hf/hub"));
  expect(await cacheOf({ ...env, HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
  expect(await cacheOf({ ...env, HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "~/new" })).toBe(join(homedir(), "new"));
  expect((await hubSettings({ cacheDir: "models" }, { HF_HUB_CACHE: "/new" })).cacheDir).toBe(
    join(process.cwd(), "models"),
  );
});

it("takes the token that is given, or that of the environment, or of the file", async () => {
  const home = await mkdtemp(join(tmpdir(), "latentkit-token-"));
  const tokenOf = async (env: Record<string, string>, token?: string) =>
    (await hubSettings({ ...(token !== undefined && { token }) }, { HF_HOME: home, ...env })).token;
  expect(await tokenOf({})).toBeUndefined();
  await writeFile(join(home, "token"), "hf_file\n");
  expect(await tokenOf({})).toBe("hf_file");
  expect(await tokenOf({ HUGGING_FACE_HUB_TOKEN: "hf_old" })).toBe("hf_old");
  expect(await tokenOf({ HUGGING_FACE_HUB_TOKEN: "hf_old", HF_TOKEN: " hf_new\n" })).toBe("hf_new");
  expect(await tokenOf({ HF_TOKEN: "hf_new" }, "hf_option")).toBe("hf_option");
  await rm(home, { recursive: true });
});

it("is offline, and asks a mirror, when the environment says so", async () => {
  for (const yes of ["1", "on", "YES", "True"])
    expect((await hubSettings({}, { HF_HUB_OFFLINE: yes })).offline).toBe(true);
  for (const no of ["", "0", "no", "off"]) expect((await hubSettings({}, { HF_HUB_OFFLINE: no })).offline).toBe(false);
  expect((await hubSettings({}, {})).endpoint).toBe("https://huggingface.co");
  expect((await hubSettings({}, { HF_ENDPOINT: "https://mirror/hf/" })).endpoint).toBe("https://mirror/hf");
  await expect(hubSettings({}, { HF_ENDPOINT: "mirror" })).rejects.toThrow(/^HF_ENDPOINT: expected a web address/);
});
