import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { openModel } from "./node.js";

const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);

/** A server of plain files, with what it does and what it was asked. */
const behaviour = { etag: '"v1"' as string | undefined, cut: undefined as number | undefined, ranges: true, name: "" };
let requests: { path: string | undefined; range: string | undefined; authorization: string | undefined }[] = [];
let server: Server;
let home = "";

beforeEach(async () => {
  Object.assign(behaviour, { etag: '"v1"', cut: undefined, ranges: true, name: "" });
  requests = [];
  server = createServer(({ url, headers }, response) => {
    requests.push({ path: url, range: headers.range, authorization: headers.authorization });
    if (url?.startsWith("/none")) return void response.writeHead(404).end();
    const { etag, ranges, name } = behaviour;
    const [, from = "0", to] = /^bytes=(\d+)-(\d*)/.exec(headers.range ?? "") ?? [];
    const isPart = ranges && headers.range !== undefined && (headers["if-range"] ?? etag) === etag;
    const body = isPart ? bytes.subarray(Number(from), to ? Number(to) + 1 : undefined) : bytes;
    if (etag !== undefined) response.setHeader("etag", etag);
    if (name !== "") response.setHeader("content-disposition", `attachment; filename="${name}"`);
    if (isPart) response.setHeader("content-range", `bytes ${from}-${Number(from) + body.length - 1}/${bytes.length}`);
    response.writeHead(isPart ? 206 : 200, { "content-length": body.length });
    const cut = body.length > 1 ? behaviour.cut : undefined;
    if (cut === undefined) return void response.end(body);
    response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  home = await mkdtemp(join(tmpdir(), "latentkit-url-"));
  vi.stubEnv("HF_HOME", home);
  vi.stubEnv("HF_TOKEN", "hf_secret");
  for (const name of ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_ASSETS_CACHE", "HF_HUB_OFFLINE"])
    vi.stubEnv(name, "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  await rm(home, { recursive: true });
});

const at = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
const ranges = () => requests.map(({ range }) => range);

it("is downloaded once, and again when it changed", async () => {
  const model = await openModel(at("/a/dream.safetensors?x=1"));
  expect(model.singleFile?.name).toBe("dream.safetensors");
  expect(model.location.startsWith(join(home, "assets/latentkit"))).toBe(true);
  expect((await readFile(model.location)).equals(bytes)).toBe(true);
  await openModel(at("/a/dream.safetensors?x=1"));
  expect(ranges()).toEqual(["bytes=0-0", undefined, "bytes=0-0"]);
  behaviour.etag = '"v2"';
  await openModel(at("/a/dream.safetensors?x=1"));
  expect(ranges()).toHaveLength(5);
});

it("is asked for without the Hub's token, and with one that is meant for it", async () => {
  await openModel(at("/dream.safetensors"));
  await openModel(at("/dream.safetensors"), { token: "for-this-server" });
  expect(new Set(requests.map(({ authorization }) => authorization))).toEqual(
    new Set([undefined, "Bearer for-this-server"]),
  );
});

it("is continued while it is the same, and begun anew when it is not", async () => {
  const source = at("/dream.safetensors");
  behaviour.cut = 100_000;
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort(new Error("enough")) };
  await expect(openModel(source, options)).rejects.toThrow("enough");
  behaviour.cut = undefined;
  requests = [];
  await openModel(source);
  expect(ranges()).toHaveLength(2);

  for (const [etag, isContinued] of [
    ['"v3"', true],
    ['W/"v4"', false],
    [undefined, false],
  ] as const) {
    Object.assign(behaviour, { etag, cut: 100_000 });
    vi.stubEnv("HF_HOME", join(home, String(etag?.length)));
    // two thirds in three tries, and nothing after
    const failing = openModel(source).catch((error: unknown) => error);
    await vi.waitFor(() => expect(ranges().length).toBeGreaterThan(4), 10_000);
    await failing;
    behaviour.cut = undefined;
    requests = [];
    const model = await openModel(source);
    expect((await readFile(model.location)).equals(bytes)).toBe(true);
    if (!isContinued) expect(ranges().every((range) => range === undefined || range === "bytes=0-0")).toBe(true);
  }
});

it("is used as it is when the server is away", async () => {
  const source = at("/dream.safetensors");
  const { location } = await openModel(source);
  const warn = vi.fn();
  vi.stubEnv("HF_HUB_OFFLINE", "1");
  expect((await openModel(source, { onWarning: warn })).location).toBe(location);
  expect(warn).toHaveBeenCalledWith({
    code: "cached-model",
    message: expect.stringMatching(/OFFLINE.*as downloaded before/),
  });
  await expect(openModel(at("/other.safetensors"))).rejects.toMatchObject({
    code: "download-failed",
    message: expect.stringMatching(/HF_HUB_OFFLINE is set; the file was not downloaded before/),
  });
});

it("has the name that the server gives it, and must be a .safetensors file", async () => {
  behaviour.name = "../dre am.safetensors";
  const model = await openModel(at("/api/download/models/128713"));
  expect(model.singleFile?.name).toBe("dre_am.safetensors");
  behaviour.name = "dream.ckpt";
  await expect(openModel(at("/api/download/models/1"))).rejects.toMatchObject({ code: "unsupported-model" });
  await expect(openModel(at("/page.html"))).rejects.toMatchObject({ code: "unsupported-model" });
  await expect(openModel(at("/none/dream.safetensors"))).rejects.toMatchObject({
    code: "file-not-found",
    message: expect.stringContaining("has no file dream.safetensors"),
  });
});

it("of a server that knows no ranges arrives too", async () => {
  behaviour.ranges = false;
  const model = await openModel(at("/dream.safetensors"), { cacheDir: join(home, "models") });
  expect((await readFile(model.location)).equals(bytes)).toBe(true);
  expect(await readdir(home)).toEqual(["models"]);
});
