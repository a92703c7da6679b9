import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fixtures } from "../../../tests/golden.js";
import { folderFiles, type HubServer, startHub } from "../../../tests/hub-server.js";
import { runCommand } from "../../../tests/run-command.js";

const commit = "1".repeat(40);
const tiny = folderFiles("pipelines/tiny-sd");
const id = "acme/tiny-sd";

let hub: HubServer;
let home = "";
beforeAll(async () => {
  hub = await startHub({ [id]: { files: { ...tiny, "README.md": new Uint8Array(3) }, commit, refs: ["fp32"] } });
});
afterAll(() => hub.close());
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "latentkit-cli-")));
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_HOME", home);
  for (const name of ["HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"]) vi.stubEnv(name, "");
});
afterEach(async () => {
  hub.reset();
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

const run = (...args: string[]) => runCommand(args, home);
const models = (...args: string[]) => run("models", ...args);
const snapshot = () => join(home, "hub/models--acme--tiny-sd/snapshots", commit);
const total = Object.values(tiny).reduce((sum, bytes) => sum + bytes.length, 0);

describe("latentkit models", () => {
  it("pulls, lists and removes", async () => {
    expect(await models("list")).toMatchObject({ code: 0, stdout: "", stderr: expect.stringMatching(/^no models/) });
    expect(await models("pull", id)).toEqual({ code: 0, stdout: `${snapshot()}\n`, stderr: "" });
    const listed = await models("list");
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(listed.stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["MODEL", "SIZE", "REVISION", "LAST USED", "PATH"],
      [id, "1.65 MB", "main 11111111", expect.stringMatching(/^\d{4}-\d\d-\d\d$/), snapshot()],
      [""],
    ]);
    const removed = await models("rm", id);
    expect(removed).toEqual({ code: 0, stdout: `${join(snapshot(), "../..")}\n`, stderr: "1.65 MB freed\n" });
    expect(await readdir(join(home, "hub"))).toEqual([".locks"]);
    expect(await models("rm", id)).toMatchObject({
      code: 1,
      stderr: `error: ${id} is not in the cache; there are: none\n`,
    });
  });

  it("tells all that as JSON", async () => {
    const pulled = JSON.parse((await models("pull", id, "--json")).stdout);
    expect(pulled).toEqual({ id, commit, path: snapshot(), files: expect.arrayContaining(["unet/config.json"]) });
    expect(pulled.files).toHaveLength(Object.keys(tiny).length);
    const { models: list } = JSON.parse((await models("list", "--json")).stdout);
    expect(list).toEqual([
      {
        id,
        path: join(snapshot(), "../.."),
        size: total,
        incomplete: 0,
        lastUsed: expect.stringMatching(/^\d{4}-.*Z$/),
        revisions: [{ commit, refs: ["main"], path: snapshot(), size: total, files: Object.keys(tiny).sort() }],
      },
    ]);
    const removed = JSON.parse((await models("rm", id, "--revision", "main", "--json")).stdout);
    expect(removed).toEqual({ freed: total, paths: [join(snapshot(), "../..")] });
    const missing = await models("pull", "acme/none", "--json");
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.stdout)).toMatchObject({ error: { code: "file-not-found" } });
  });

  it("pulls a revision and everything, into a folder of choice", async () => {
    const { stdout } = await models("pull", id, "--revision", "fp32", "--all", "--cache-dir", "here");
    expect(stdout).toBe(`${join(home, "here/models--acme--tiny-sd/snapshots", commit)}\n`);
    expect(await readFile(join(home, "here/models--acme--tiny-sd/refs/fp32"), "utf8")).toBe(commit);
    expect(hub.downloaded()).toContain("README.md");
  });

  it("describes a model without downloading it", async () => {
    const { code, stdout, stderr } = await models("info", id);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace(hub.url, "https://hub")).toMatchInlineSnapshot(`
      "page       https://hub/acme/tiny-sd (not downloaded)
      family     StableDiffusionPipeline
      pipeline   StableDiffusionPipeline
      weights    1.53 MB, 381 k parameters
      precision  F32
      memory     about 2.05 MB in fp32 (CPU), 1.02 MB in fp16 (GPU), for one picture of 64x64 with guidance

      PART          CLASS                   SIZE  PARAMETERS  PRECISION
      scheduler     PNDMScheduler
      text_encoder  CLIPTextModel         291 kB      72.6 k  F32
      tokenizer     CLIPTokenizer
      unet          UNet2DConditionModel  871 kB       218 k  F32
      vae           AutoencoderKL         363 kB      90.8 k  F32
      "
    `);
    expect(await readdir(home)).toEqual([]);
    const [size] = [...hub.requests].map(({ range }) => range).filter((range) => range !== undefined);
    expect(size).toMatch(/^bytes=0-/);
  });

  it("describes what is on this machine", async () => {
    const folder = JSON.parse((await models("info", `${fixtures}pipelines/tiny-sd`, "--json")).stdout);
    expect(folder).toMatchObject({ isLocal: true, pipeline: "StableDiffusionPipeline", precision: ["F32"] });
    const unet = folder.components.find(({ name }: { name: string }) => name === "unet");
    expect(unet).toMatchObject({ className: "UNet2DConditionModel", format: "safetensors" });
    // the file is its header and the tensors, four bytes a number
    expect(unet.size).toBe(unet.parameters * 4);
    const network = JSON.parse((await models("info", `${fixtures}models/unet_fp16`, "--json")).stdout);
    expect(network).toMatchObject({
      components: [{ name: "", className: "UNet2DConditionModel", precision: ["F16"] }],
    });
    const embedded = JSON.parse((await models("info", "--json")).stdout);
    expect(embedded).toMatchObject({ isLocal: true, pipeline: "StableDiffusionPipeline" });
  });

  it.each([
    [["models"], /a command is missing/],
    [["models", "push"], /unknown command 'push'/],
    [["models", "pull"], /missing required argument 'model'/],
    [["models", "pull", "./x"], /model: expected owner\/name/],
    [["models", "pull", id, "--revision", "../x"], /--revision: expected a branch/],
    [["models", "list", "--steps", "3"], /unknown option '--steps'/],
  ])("%j is wrong usage", async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

it("draws with a model of the Hub", async () => {
  const flags = ["-m", id, "--steps", "2", "--size", "48x64", "-o", "a.png"];
  const { code, stdout, stderr } = await run("a red apple", ...flags, "--seed", "1");
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: `${join(home, "a.png")}\n`, stderr: "" });
  await writeFile(join(home, "prompt"), "");
  expect(hub.downloaded()).toEqual(Object.keys(tiny).sort());
});

it("ends a download on Ctrl-C, and continues it", async () => {
  const unet = "unet/diffusion_pytorch_model.safetensors";
  hub.faults.slow[unet] = 50;
  const running = runCommand(
    ["models", "pull", id],
    home,
    () => undefined,
    (child) => {
      const wait = setInterval(() => {
        if (!hub.requests.some(({ path }) => path.endsWith(unet))) return;
        clearInterval(wait);
        setTimeout(() => child.kill("SIGINT"), 500);
      }, 50);
    },
  );
  expect(await running).toEqual({ code: 130, stdout: "", stderr: "error: stopped by SIGINT\n" });
  hub.reset();
  expect((await models("pull", id)).code).toBe(0);
  expect(hub.requests.some(({ path, range }) => path.endsWith(unet) && /^bytes=[1-9]\d*-$/.test(range ?? ""))).toBe(
    true,
  );
});
