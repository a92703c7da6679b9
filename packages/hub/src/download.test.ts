import type { ChildProcess } from "node:child_process";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { etagOf, folderFiles, type HubServer, startHub } from "../../../tests/hub-server.js";
import { startModule } from "../../../tests/run-module.js";
import type { DownloadProgress, HubWarning } from "./index.js";
import { openSource, readJson } from "./index.js";
import { downloadModel, openModel } from "./node.js";

/** What the file system is made to say. */
const system = vi.hoisted(() => ({
  free: undefined as number | undefined,
  hasSymbolicLinks: true,
  hasHardLinks: true,
  isFull: false,
}));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const failing = (code: string) =>
    Promise.reject(Object.assign(new Error(`${code}: made up`), { code, syscall: "test" }));
  return {
    ...real,
    statfs: async (path: string) => (system.free === undefined ? real.statfs(path) : { bavail: system.free, bsize: 1 }),
    symlink: (...args: Parameters<typeof real.symlink>) =>
      system.hasSymbolicLinks ? real.symlink(...args) : failing("EPERM"),
    link: (...args: Parameters<typeof real.link>) => (system.hasHardLinks ? real.link(...args) : failing("EPERM")),
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args);
      if (system.isFull && args[1] === "r+") vi.spyOn(file, "write").mockImplementation(() => failing("ENOSPC"));
      return file;
    },
  };
});

const commit = "1".repeat(40);
const tiny = folderFiles("pipelines/tiny-sd");
const unet = "unet/diffusion_pytorch_model.safetensors";
const text = (content: string) => new TextEncoder().encode(content);

/** What is in the repository besides, and must not be downloaded. */
const unneeded = Object.fromEntries(
  [
    "README.md",
    "v1-5-pruned.safetensors",
    "v1-5-pruned.ckpt",
    "unet/diffusion_pytorch_model.bin",
    "unet/diffusion_flax_model.msgpack",
    "unet/model.onnx",
    "unet/openvino_model.xml",
    "vae_decoder/model.onnx",
    "safety_checker/config.json",
    "safety_checker/model.safetensors",
  ].map((path) => [path, text(path)]),
);

let hub: HubServer;
let home = "";
beforeAll(async () => {
  hub = await startHub({
    "acme/tiny-sd": { files: { ...tiny, ...unneeded }, commit, refs: ["fp32", "refs/pr/1"] },
    "acme/gated": { files: tiny, commit, needs: { token: "hf_good", kind: "gated" } },
    "acme/private": { files: tiny, commit, needs: { token: "token-of-a-mirror", kind: "private" } },
    "acme/single": { files: { "model.safetensors": text("weights"), "README.md": text("#") }, commit },
    "acme/several": { files: { "a.safetensors": text("a"), "b.safetensors": text("b") }, commit },
    "acme/escaping": { files: { "config.json": text("{}"), "../../evil.safetensors": text("evil") }, commit },
    "acme/pickles": { files: { "model.ckpt": text("a") }, commit },
  });
});
afterAll(() => hub.close());

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), "latentkit-home-")));
  vi.stubEnv("HF_ENDPOINT", `${hub.url}/`);
  vi.stubEnv("HF_HOME", home);
  for (const name of ["HF_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"]) vi.stubEnv(name, "");
});
afterEach(async () => {
  hub.reset();
  Object.assign(system, { free: undefined, hasSymbolicLinks: true, hasHardLinks: true, isFull: false });
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(home, { recursive: true });
});

const cache = (...parts: string[]) => join(home, "hub", "models--acme--tiny-sd", ...parts);
const blobOf = (path: string) => cache("blobs", etagOf(path, tiny[path] ?? text("")));

/** Fails when there is anything in the cache that could be taken for a model. */
async function expectNoModel(): Promise<void> {
  expect(await readdir(cache("snapshots")).catch(() => [])).toEqual([]);
  expect(await readdir(cache("refs")).catch(() => [])).toEqual([]);
  const whole = (await readdir(cache("blobs")).catch(() => [])).filter((name) => !name.endsWith(".incomplete"));
  const good = Object.entries(tiny).map(([path, bytes]) => [etagOf(path, bytes), bytes.length] as const);
  for (const name of whole) expect(good).toContainEqual([name, (await stat(cache("blobs", name))).size]);
}

async function expectWhole(id = "acme/tiny-sd"): Promise<void> {
  const model = await openModel(id);
  for (const [path, bytes] of Object.entries(tiny)) {
    expect([path, Buffer.compare((await (await model.find(path))?.read()) ?? text(""), bytes)]).toEqual([path, 0]);
  }
}

const rangesOf = (path: string) =>
  hub.requests.filter((request) => request.path.endsWith(`/${path}`)).map((request) => request.range);

describe("a model of the Hub", () => {
  it("is downloaded once, and of its repository only what is needed", async () => {
    await expectWhole();
    expect(hub.downloaded()).toEqual(Object.keys(tiny).sort());
    hub.reset();
    const model = await openModel("acme/tiny-sd");
    expect(await readJson(model, "unet/config.json")).toMatchObject({ _class_name: "UNet2DConditionModel" });
    expect(hub.downloaded()).toEqual([]);
  });

  it("lies in the cache as Python's huggingface_hub lays it out", async () => {
    const { path } = await downloadModel("acme/tiny-sd");
    expect(path).toBe(cache("snapshots", commit));
    expect(await readFile(cache("refs/main"), "utf8")).toBe(commit);
    for (const [file, bytes] of Object.entries(tiny)) {
      const blob = etagOf(file, bytes);
      const up = "../".repeat(file.split("/").length + 1);
      expect(await readlink(join(path, file))).toBe(`${up}blobs/${blob}`);
      expect((await readFile(cache("blobs", blob))).equals(bytes)).toBe(true);
    }
    expect((await readdir(cache())).sort()).toEqual(["blobs", "refs", "snapshots"]);
    const blobs = Object.entries(tiny).map(([file, bytes]) => etagOf(file, bytes));
    expect((await readdir(cache("blobs"))).sort()).toEqual(blobs.sort());
    expect(await readdir(join(home, "hub/.locks/models--acme--tiny-sd"))).toEqual([]);
  });

  it.each([
    ["with symbolic links", {}],
    ["without symbolic links", { hasSymbolicLinks: false }],
    ["without any links", { hasSymbolicLinks: false, hasHardLinks: false }],
  ])("is opened from a file system %s", async (_, settings) => {
    Object.assign(system, settings);
    await expectWhole();
    const isLink = (await lstat(cache("snapshots", commit, unet))).isSymbolicLink();
    expect(isLink).toBe(!("hasSymbolicLinks" in settings));
    hub.reset();
    await expectWhole();
    expect(hub.downloaded()).toEqual([]);
  });

  it("that Python downloaded is found, also without a network", async () => {
    await layOut(tiny);
    await expectWhole();
    expect(hub.downloaded()).toEqual([]);
    hub.reset();
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expectWhole();
    expect(await readJson(await openModel("acme/tiny-sd", { revision: commit }), "vae/config.json")).toBeDefined();
    expect(hub.requests).toEqual([]);
  });

  it("is taken from the folder of its name when there is one", async () => {
    const before = process.cwd();
    await mkdir(join(home, "acme/tiny-sd/unet"), { recursive: true });
    await writeFile(join(home, "acme/tiny-sd/unet/config.json"), "{}");
    process.chdir(home);
    const model = await openModel("acme/tiny-sd").finally(() => process.chdir(before));
    expect(model.location).toBe(join(home, "acme/tiny-sd"));
    expect(hub.requests).toEqual([]);
  });

  it("is opened at a branch, a pull request or a commit", async () => {
    for (const revision of ["fp32", "refs/pr/1", commit]) {
      await openModel("acme/tiny-sd", { revision });
      const ref = await readFile(cache("refs", revision), "utf8").catch(() => "none");
      expect(ref).toBe(revision === commit ? "none" : commit);
    }
    await expect(openModel("acme/tiny-sd", { revision: "v2" })).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringContaining(`${hub.url}/acme/tiny-sd has no revision "v2"`),
    });
    for (const revision of ["", "../../x", "/main"]) {
      await expect(openModel("acme/tiny-sd", { revision })).rejects.toThrow(/^revision: expected a branch/);
    }
  });

  it("follows its branch, and keeps what both commits have", async () => {
    await openModel("acme/tiny-sd");
    const old = hub.repositories["acme/tiny-sd"]!;
    const next = "2".repeat(40);
    hub.repositories["acme/tiny-sd"] = { ...old, commit: next, files: { ...old.files, "vae/config.json": text("{}") } };
    hub.reset();
    const model = await openModel("acme/tiny-sd").finally(() => {
      hub.repositories["acme/tiny-sd"] = old;
    });
    expect(model.location).toBe(cache("snapshots", next));
    expect(await readJson(model, "vae/config.json")).toEqual({});
    expect(hub.downloaded()).toEqual(["vae/config.json"]);
    expect(await readFile(cache("refs/main"), "utf8")).toBe(next);
  });

  it("gives one network's folder, or all but some", async () => {
    const vae = await openSource("acme/tiny-sd", { subfolder: "vae" });
    expect((await vae.find("config.json"))?.name).toBe("vae/config.json");
    expect(hub.downloaded()).toEqual(["vae/config.json", "vae/diffusion_pytorch_model.safetensors"]);
    hub.reset();
    await openModel("acme/tiny-sd", { without: ["unet"] });
    expect(hub.downloaded()).toEqual(
      Object.keys(tiny)
        .filter((path) => !/^(unet|vae)\//.test(path))
        .sort(),
    );
  });

  it("goes into the folder that is asked for", async () => {
    const cacheDir = join(home, "elsewhere");
    const model = await openModel("acme/tiny-sd", { cacheDir });
    expect(model.location).toBe(join(cacheDir, "models--acme--tiny-sd/snapshots", commit));
    expect(await readdir(home)).toEqual(["elsewhere"]);
    vi.stubEnv("HF_HUB_CACHE", cacheDir);
    expect((await openModel("acme/tiny-sd")).location).toBe(model.location);
    await expect(openModel("acme/tiny-sd", { cacheDir: "" })).rejects.toThrow(/^cacheDir: expected/);
  });

  it("is downloaded whole on request", async () => {
    const { files } = await downloadModel("acme/tiny-sd", { all: true });
    expect(files).toHaveLength(Object.keys({ ...tiny, ...unneeded }).length);
    expect(hub.downloaded()).toEqual([...files].sort());
    await expect(downloadModel("./folder")).rejects.toThrow(/^model: expected owner\/name/);
  });
});

describe("a source on the web", () => {
  it("is the page of a model", async () => {
    for (const page of ["", "/", "/tree/main", "/tree/refs%2Fpr%2F1"]) {
      const { location } = await openModel(`${hub.url}/acme/tiny-sd${page}`);
      expect(location).toBe(cache("snapshots", commit));
    }
    expect((await openModel(new URL("https://huggingface.co/acme/tiny-sd"))).location).toBe(cache("snapshots", commit));
    expect((await openModel("https://hf.co/acme/tiny-sd/tree/fp32")).location).toBe(cache("snapshots", commit));
  });

  it("is one file of a repository", async () => {
    for (const kind of ["blob", "resolve"]) {
      const model = await openModel(`https://huggingface.co/acme/several/${kind}/main/b.safetensors?download=true`);
      expect(model.singleFile).toMatchObject({ name: "b.safetensors", size: 1 });
      expect(await model.at("unet").find("b.safetensors")).toBe(model.singleFile);
      expect(await model.find("a.safetensors")).toBeUndefined();
    }
    expect(hub.downloaded()).toEqual(["b.safetensors"]);
    await expect(openModel(`${hub.url}/acme/several/blob/main/c.safetensors`)).rejects.toThrow(
      /no file c\.safetensors in revision main; there are: a\.safetensors, b\.safetensors/,
    );
  });

  it("is the only file of a repository of one", async () => {
    const model = await openModel("acme/single");
    expect(await model.singleFile?.read()).toEqual(text("weights"));
    expect(hub.downloaded()).toEqual(["model.safetensors"]);
  });

  it.each([
    [
      "acme/several",
      "unsupported-model",
      /several models, a.safetensors, b.safetensors; name one: http.*acme\/several\/blob/,
    ],
    ["acme/pickles", "unsupported-model", /model\.ckpt \(a pickle can run code/],
    ["https://huggingface.co/acme/pickles/blob/main/model.ckpt", "unsupported-model", /a pickle is not opened/],
    ["https://example.com/model.gguf", "unsupported-model", /a \.gguf file is not opened/],
    ["https://huggingface.co/datasets/acme/x", "unsupported-model", /is no model/],
    ["https://huggingface.co/acme/tiny-sd/tree/main/unet", "unsupported-model", /option subfolder/],
    ["acme/nothing", "file-not-found", /acme\/nothing does not exist, or it is private.*token.*nor is there a folder/],
    ["acme/escaping", "download-failed", /lists the file path "\.\.\/\.\.\/evil\.safetensors", which cannot be right/],
  ])("%s is refused", async (source, code, message) => {
    await expect(openModel(source)).rejects.toMatchObject({ name: "LatentKitError", code });
    await expect(openModel(source)).rejects.toThrow(message);
    expect(hub.downloaded()).toEqual([]);
  });
});

describe("a token", () => {
  it.each([
    [
      "no",
      undefined,
      "acme/gated",
      "download-failed",
      /acme\/gated is gated; accept its terms on that page, then pass a token/,
    ],
    ["a wrong", "hf_bad", "acme/gated", "download-failed", /is gated; your token's account has no access yet/],
    ["no", undefined, "acme/private", "file-not-found", /does not exist, or it is private; .*pass a token/],
    ["a wrong", "hf_bad", "acme/private", "file-not-found", /does not exist.*your token may read it/],
  ])("%s token (%s) does not open %s", async (_, token, id, code, message) => {
    const options = { ...(token !== undefined && { token }) };
    await expect(openModel(id, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(join(home, "hub", `models--${id.replace("/", "--")}`, "snapshots")).catch(() => [])).toEqual(
      [],
    );
  });

  it("comes as an option, from the environment or from the file of hf auth login, and stays with the Hub", async () => {
    await openModel("acme/private", { token: "token-of-a-mirror" });
    vi.stubEnv("HF_TOKEN", "token-of-a-mirror\n");
    await openModel("acme/private");
    vi.stubEnv("HF_TOKEN", "");
    await writeFile(join(home, "token"), "hf_good\n");
    await openModel("acme/gated");
    const tokens = new Map(hub.requests.map(({ host, authorization }) => [`${host} ${authorization}`, host]));
    expect([...tokens.keys()].sort()).toEqual([
      "hub Bearer hf_good",
      "hub Bearer token-of-a-mirror",
      "store undefined",
    ]);
  });
});

describe("progress", () => {
  it("counts the bytes of all files, with the time left", async () => {
    const seen: DownloadProgress[] = [];
    hub.faults.slow[unet] = 10;
    await openModel("acme/tiny-sd", { onProgress: (progress) => seen.push(progress) });
    const total = Object.values(tiny).reduce((sum, bytes) => sum + bytes.length, 0);
    expect(new Set(seen.map((progress) => progress.total))).toEqual(new Set([total]));
    expect(seen.at(-1)).toMatchObject({ loaded: total });
    expect(seen.map(({ loaded }) => loaded)).toEqual(seen.map(({ loaded }) => loaded).toSorted((a, b) => a - b));
    expect(seen.some(({ file, secondsLeft = 0 }) => file === unet && secondsLeft > 0)).toBe(true);
    seen.length = 0;
    await openModel("acme/tiny-sd", { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([]);
  });
});

describe("a fault", () => {
  it("of the connection is mended where it came", async () => {
    hub.faults.cuts[unet] = [100_000, 300_000];
    hub.faults.cuts["tokenizer/vocab.json"] = [5_000];
    await expectWhole();
    // what a connection carried when it was cut may be lost
    const from = (text = "") => Number(/^bytes=(\d+)-$/.exec(text)?.[1]);
    const [first, second, third] = rangesOf(unet);
    expect(first).toBeUndefined();
    expect(from(second)).toBeGreaterThan(0);
    expect(from(third)).toBeGreaterThan(from(second));
    expect(rangesOf("tokenizer/vocab.json")).toHaveLength(2);
  });

  it("of the connection that stays leaves no model, and the next run continues", async () => {
    hub.faults.cuts[unet] = [400_000, 0, 0, 0, 0];
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/connection was cut.*unet\/diff.* is not complete; start again to continue/),
    });
    await expectNoModel();
    const { size } = await stat(`${blobOf(unet)}.incomplete`);
    expect(size).toBeGreaterThan(0);
    hub.reset();
    await expectWhole();
    expect(rangesOf(unet)).toEqual([`bytes=${size}-`]);
    expect(await readdir(cache("blobs"))).not.toContainEqual(expect.stringContaining("incomplete"));
  });

  it("of a server that knows no ranges is mended by beginning anew", async () => {
    Object.assign(hub.faults, { ignoresRanges: true, cuts: { [unet]: [400_000] } });
    await expectWhole();
    expect(rangesOf(unet)).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
  });

  it("in a file's bytes is found, and the file deleted", async () => {
    for (const path of [unet, "tokenizer/vocab.json"]) {
      hub.faults.damaged = [path];
      await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
        code: "download-failed",
        message: expect.stringMatching(new RegExp(`${path} arrived damaged \\(its hash is .* was deleted`)),
      });
      await expectNoModel();
      expect(await stat(`${blobOf(path)}.incomplete`).catch(() => "gone")).toBe("gone");
      await rm(cache(), { recursive: true });
    }
    hub.reset();
    await expectWhole();
  });

  it("in what lay here is mended by beginning anew", async () => {
    await mkdir(cache("blobs"), { recursive: true });
    const size = tiny[unet]!.length;
    for (const left of [new Uint8Array(1000), new Uint8Array(size), new Uint8Array(size + 1)]) {
      await rm(cache(), { recursive: true, force: true });
      await mkdir(cache("blobs"), { recursive: true });
      await writeFile(`${blobOf(unet)}.incomplete`, left);
      await expectWhole();
    }
  });

  it("in the cache, of a file that was cut there, is mended", async () => {
    await layOut(tiny);
    await writeFile(blobOf(unet), tiny[unet]!.subarray(0, 1000));
    await expectWhole();
    expect(hub.downloaded()).toEqual([unet]);
  });

  it("of a busy server is waited for as long as it asks, but not for ever", async () => {
    const busy = (wait: string) => ({ status: 429, headers: { "retry-after": wait } });
    hub.faults.statuses = [busy("1"), { status: 503 }, { status: 502 }];
    const start = performance.now();
    await expectWhole();
    expect(performance.now() - start).toBeGreaterThan(1000 + 600);
    hub.reset();
    await rm(cache(), { recursive: true });
    hub.faults.statuses = [busy("86400")];
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/the server is busy .*status 429.*not in .* either/),
    });
    hub.faults.statuses = Array.from({ length: 9 }, () => busy("0"));
    await expect(openModel("acme/tiny-sd")).rejects.toThrow(/status 429/);
    expect(hub.faults.statuses).toHaveLength(4);
  });

  it("of the disk's room is found before the first byte", async () => {
    system.free = 1_000_000;
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/the download needs 1\.65 MB, and 1\.00 MB are free.*cacheDir or HF_HUB_CACHE/),
    });
    expect(hub.downloaded()).toEqual(["model_index.json"]);
    await expectNoModel();
  });

  it("of the disk while writing leaves no model", async () => {
    system.isFull = true;
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/cannot be written .*the disk is full: make room/),
    });
    await expectNoModel();
    system.isFull = false;
    await expectWhole();
  });

  it("of a folder that cannot be written says so", async () => {
    await writeFile(join(home, "hub"), "a file");
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/cannot be written.*choose another folder with cacheDir/),
    });
  });

  it("of a server that is no Hub says so", async () => {
    hub.faults.statuses = [{ status: 200 }];
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/not that of a Hugging Face Hub; check HF_ENDPOINT/),
    });
    vi.stubEnv("HF_ENDPOINT", "hub.local");
    await expect(openModel("acme/tiny-sd")).rejects.toThrow(/^HF_ENDPOINT: expected a web address/);
  });
});

describe("without a network", () => {
  const nowhere = "http://127.0.0.1:9";

  it("what was downloaded before is used, with a word about it", async () => {
    await openModel("acme/tiny-sd");
    vi.stubEnv("HF_ENDPOINT", nowhere);
    const warnings: HubWarning[] = [];
    const model = await openModel("acme/tiny-sd", { onWarning: (warning) => warnings.push(warning) });
    expect(model.location).toBe(cache("snapshots", commit));
    const message = expect.stringMatching(
      /^no connection to 127\.0\.0\.1:9 .*using acme\/tiny-sd as downloaded before, commit 1111/,
    );
    expect(warnings).toEqual([{ code: "cached-model", message }]);
  });

  it("what was not is missing", async () => {
    vi.stubEnv("HF_ENDPOINT", nowhere);
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "download-failed",
      message: expect.stringMatching(/^no connection to 127\.0\.0\.1:9.*acme\/tiny-sd is not in .*\/hub either/),
    });
    vi.stubEnv("HF_HUB_OFFLINE", "yes");
    await expect(openModel("acme/tiny-sd")).rejects.toMatchObject({
      code: "file-not-found",
      message: expect.stringMatching(/^HF_HUB_OFFLINE is set, and acme\/tiny-sd, revision main, is not in/),
    });
  });

  it("a model of which parts are missing is none", async () => {
    const { [unet]: _, ...rest } = tiny;
    await layOut(rest);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(openModel("acme/tiny-sd")).rejects.toThrow(
      /unet has no weights; the model is incomplete \(looked only at/,
    );
    expect((await openModel("acme/tiny-sd", { without: ["unet"] })).location).toBe(cache("snapshots", commit));
  });
});

describe("stopping", () => {
  it("keeps what has arrived, and the next run continues", async () => {
    hub.faults.slow[unet] = 5;
    const controller = new AbortController();
    const reason = new Error("enough");
    const onProgress = ({ loaded }: DownloadProgress) => {
      if (loaded > 850_000) controller.abort(reason);
    };
    await expect(openModel("acme/tiny-sd", { signal: controller.signal, onProgress })).rejects.toBe(reason);
    await expectNoModel();
    const { size } = await stat(`${blobOf(unet)}.incomplete`);
    expect(size).toBeGreaterThan(0);
    hub.reset();
    const { signal } = controller;
    await expect(openModel("acme/tiny-sd", { signal })).rejects.toBe(reason);
    expect(hub.requests).toEqual([]);
    await expectWhole();
    expect(rangesOf(unet)).toEqual([`bytes=${size}-`]);
  });
});

describe("two at once", () => {
  it("in one process download each file once", async () => {
    hub.faults.slow[unet] = 2;
    const models = await Promise.all([
      openModel("acme/tiny-sd"),
      openModel("acme/tiny-sd"),
      downloadModel("acme/tiny-sd"),
    ]);
    expect(models).toHaveLength(3);
    expect(rangesOf(unet)).toEqual([undefined]);
    await expectWhole();
  });

  it("in two processes wait for each other, and one takes over when the other dies", async () => {
    hub.faults.slow[unet] = 20;
    const first = download();
    await vi.waitFor(
      async () => expect((await stat(`${blobOf(unet)}.incomplete`)).size).toBeGreaterThan(20_000),
      20_000,
    );
    const second = download();
    await sleep(1500);
    first.child.kill("SIGKILL");
    expect(await first.code).toBe(null);
    await expectNoModel();
    hub.faults.slow = {};
    expect(await second.code).toBe(0);
    expect(rangesOf(unet)).toEqual([undefined, expect.stringMatching(/^bytes=\d{5,}-$/)]);
    await expectWhole();
  });
});

/** Downloads the model in a process of its own. */
function download(): { readonly child: ChildProcess; readonly code: Promise<number | null> } {
  const child = startModule(
    'import { downloadModel } from "@latentkit/hub/node"; await downloadModel("acme/tiny-sd");',
  );
  return { child, code: new Promise((resolve) => child.on("close", resolve)) };
}

/** Lays files out in the cache as Python does. */
async function layOut(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
  for (const [path, bytes] of Object.entries(files)) {
    const place = cache("snapshots", commit, path);
    await mkdir(dirname(place), { recursive: true });
    await mkdir(cache("blobs"), { recursive: true });
    await writeFile(blobOf(path), bytes);
    await symlink(relative(dirname(place), blobOf(path)), place).catch(() => undefined);
  }
  await mkdir(cache("refs"), { recursive: true });
  await writeFile(cache("refs/main"), commit);
}
