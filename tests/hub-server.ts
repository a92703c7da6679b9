import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fixtures } from "./golden.js";

/** A repository on the server. */
export interface HubRepository {
  /** By path; `.safetensors` files go by way of the store for large files. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly commit: string;
  /** Further branches and tags of the commit. */
  readonly refs?: readonly string[];
  /** The token that opens it. */
  readonly needs?: { readonly token: string; readonly kind: "gated" | "private" };
}

/** What goes wrong. */
export interface HubFaults {
  /** Bytes after which the next downloads of a file are cut, each but once. */
  cuts: Record<string, number[]>;
  /** Files of which a byte is wrong. */
  damaged: string[];
  /** Files that come in small pieces with this pause, in milliseconds. */
  slow: Record<string, number>;
  /** Bytes after which a file comes ever so slowly. */
  stalls: Record<string, number>;
  /** Statuses that the next requests are answered with, with their further headers. */
  statuses: { status: number; headers?: Record<string, string> }[];
  /** Whether ranges are not understood. */
  ignoresRanges: boolean;
}

/** A request, as it came. */
export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  readonly host: "hub" | "store";
}

/** A Hugging Face Hub on this machine, with its store for large files on a second port. */
export interface HubServer {
  readonly url: string;
  readonly repositories: Record<string, HubRepository>;
  readonly faults: HubFaults;
  readonly requests: HubRequest[];
  /** Paths of the files that were asked for, each once, in the order of the alphabet. */
  downloaded(): string[];
  /** Forgets requests and faults. */
  reset(): void;
  close(): Promise<void>;
}

/** The files of a folder under `fixtures/`, by path. */
export function folderFiles(folder: string): Record<string, Uint8Array> {
  const root = `${fixtures}${folder}/`;
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => `${entry.parentPath}/${entry.name}`.replaceAll("//", "/").slice(root.length));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(root + path)]));
}

const isLarge = (path: string): boolean => path.endsWith(".safetensors");
const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const gitHash = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

/** What a file's content is called: the name of its blob in the cache. */
export function etagOf(path: string, bytes: Uint8Array): string {
  return isLarge(path) ? sha256(bytes) : gitHash(bytes);
}

/** Starts a server that speaks the Hub's protocol: listing in pages, `resolve`, redirects to a store, ranges, etags. */
export async function startHub(repositories: Record<string, HubRepository>): Promise<HubServer> {
  const requests: HubRequest[] = [];
  const faults: HubFaults = { cuts: {}, damaged: [], slow: {}, stalls: {}, statuses: [], ignoresRanges: false };
  const servers = { hub: createServer(), store: createServer() };
  for (const server of Object.values(servers)) await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const urls = { hub: urlOf(servers.hub), store: urlOf(servers.store) };

  for (const host of ["hub", "store"] as const) {
    servers[host].on("request", (request: IncomingMessage, response: ServerResponse) => {
      const { method = "", url: path = "", headers } = request;
      requests.push({ method, path, range: headers.range, authorization: headers.authorization, host });
      const fault = host === "hub" ? faults.statuses.shift() : undefined;
      if (fault) return void response.writeHead(fault.status, fault.headers).end();
      const answer = host === "hub" ? answerHub : answerStore;
      void answer(request, response, { repositories, faults, urls }).catch(() => response.destroy());
    });
  }
  return {
    url: urls.hub,
    repositories,
    faults,
    requests,
    downloaded: () =>
      [...new Set(requests.flatMap(({ path }) => /\/resolve\/[^/]+\/(.+)$/.exec(path)?.[1] ?? []))].sort(),
    reset() {
      requests.length = 0;
      Object.assign(faults, { cuts: {}, damaged: [], slow: {}, stalls: {}, statuses: [], ignoresRanges: false });
    },
    async close() {
      for (const server of Object.values(servers)) {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      }
    },
  };
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

interface Surroundings {
  readonly repositories: Record<string, HubRepository>;
  readonly faults: HubFaults;
  readonly urls: { readonly hub: string; readonly store: string };
}

async function answerHub(request: IncomingMessage, response: ServerResponse, around: Surroundings): Promise<void> {
  const url = new URL(request.url ?? "", around.urls.hub);
  const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(url.pathname);
  const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
  const [, id = "", , revision = ""] = api ?? (file ? [file[0], file[1], "resolve", file[2]] : []);
  const repository = around.repositories[id];
  const { authorization } = request.headers;
  const { needs } = repository ?? {};
  const isOpen = needs === undefined || authorization === `Bearer ${needs.token}`;
  if (!repository || (needs?.kind === "private" && !isOpen)) {
    // as the Hub does, so that names of private models stay secret
    const status = authorization === undefined ? 401 : 404;
    return refuse(
      response,
      status,
      "RepoNotFound",
      status === 401 ? "Invalid username or password." : "Repository not found",
    );
  }
  const { commit, refs = [] } = repository;
  if (![commit, "main", ...refs].includes(decodeURIComponent(revision))) {
    return refuse(response, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
  }
  if (api?.[2] === "revision") return sendJson(response, modelInfo(id, repository));
  if (api) return sendTree(response, repository, url);
  if (!isOpen) {
    const status = authorization === undefined ? 401 : 403;
    return refuse(response, status, "GatedRepo", `Access to model ${id} is restricted.`);
  }
  await sendFile(request, response, repository, decodeURIComponent(file?.[3] ?? ""), around);
}

function modelInfo(id: string, { commit, files }: HubRepository): object {
  const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
  const facts = { downloads: 1, likes: 1, private: false, gated: false, lastModified: "2026-01-01T00:00:00.000Z" };
  return { _id: "0", id, sha: commit, pipeline_tag: "text-to-image", siblings, ...facts };
}

/** Three entries a page. */
function sendTree(response: ServerResponse, { files }: HubRepository, url: URL): void {
  const folders = [...new Set(Object.keys(files).flatMap((path) => /^(.+)\//.exec(path)?.[1] ?? []))];
  const entries = [
    ...folders.map((path) => ({ type: "directory", oid: "0".repeat(40), size: 0, path })),
    ...Object.entries(files).map(([path, bytes]) => treeEntry(path, bytes)),
  ];
  const from = Number(url.searchParams.get("cursor") ?? 0);
  if (from + 3 < entries.length) {
    const next = new URL(url);
    next.searchParams.set("cursor", String(from + 3));
    response.setHeader("link", `<${next.href}>; rel="next"`);
  }
  sendJson(response, entries.slice(from, from + 3));
}

function treeEntry(path: string, bytes: Uint8Array): object {
  const size = bytes.length;
  if (!isLarge(path)) return { type: "file", oid: gitHash(bytes), size, path };
  const lfs = { oid: sha256(bytes), size, pointerSize: 134 };
  return { type: "file", oid: gitHash(new TextEncoder().encode("pointer")), size, lfs, xetHash: "f".repeat(64), path };
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  repository: HubRepository,
  path: string,
  around: Surroundings,
): Promise<void> {
  const bytes = repository.files[path];
  response.setHeader("x-repo-commit", repository.commit);
  if (!bytes) return refuse(response, 404, "EntryNotFound", "Entry not found");
  if (!isLarge(path)) return sendBytes(request, response, path, bytes, `"${gitHash(bytes)}"`, around.faults);
  response.setHeader("x-linked-size", bytes.length);
  response.setHeader("x-linked-etag", `"${sha256(bytes)}"`);
  response.setHeader("location", `${around.urls.store}/${sha256(bytes)}?signature=1`);
  response.writeHead(302).end();
}

async function answerStore(request: IncomingMessage, response: ServerResponse, around: Surroundings): Promise<void> {
  const hash = new URL(request.url ?? "", around.urls.store).pathname.slice(1);
  const files = Object.values(around.repositories).flatMap(({ files }) => Object.entries(files));
  const [path, bytes] = files.find(([path, bytes]) => isLarge(path) && sha256(bytes) === hash) ?? [];
  // a store knows nothing of the Hub's tokens, and takes a second way of signing for an attack
  if (path === undefined || !bytes || request.headers.authorization !== undefined) {
    return void response.writeHead(400).end();
  }
  await sendBytes(request, response, path, bytes, `"store-${hash.slice(0, 8)}"`, around.faults);
}

async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  bytes: Uint8Array,
  etag: string,
  faults: HubFaults,
): Promise<void> {
  const content = faults.damaged.includes(path) ? damaged(bytes) : bytes;
  const { range, "if-range": condition = etag } = request.headers;
  const [, from] = /^bytes=(\d+)-/.exec(range ?? "") ?? [];
  const isPart = from !== undefined && condition === etag && !faults.ignoresRanges;
  const start = isPart ? Number(from) : 0;
  response.setHeader("etag", etag);
  if (!faults.ignoresRanges) response.setHeader("accept-ranges", "bytes");
  if (isPart && start >= content.length) return void response.writeHead(416).end();
  const [, last = String(content.length - 1)] = /^bytes=\d+-(\d+)/.exec(isPart ? (range ?? "") : "") ?? [];
  const body = content.subarray(start, Number(last) + 1);
  response.setHeader("content-length", body.length);
  if (isPart) response.setHeader("content-range", `bytes ${start}-${last}/${content.length}`);
  response.writeHead(isPart ? 206 : 200);
  if (request.method === "HEAD") return void response.end();
  const [cut, pause, stall] = [faults.cuts[path]?.shift(), faults.slow[path], faults.stalls[path]];
  await pour(response, body, { cut, pause, stall });
}

interface Pouring {
  readonly cut: number | undefined;
  readonly pause: number | undefined;
  readonly stall: number | undefined;
}

async function pour(response: ServerResponse, body: Uint8Array, { cut, pause, stall }: Pouring): Promise<void> {
  const piece = pause === undefined ? 65_536 : 4_096;
  const end = Math.min(cut ?? body.length, body.length);
  for (let at = 0; at < end && !response.destroyed; at += piece) {
    await new Promise((sent) => response.write(body.subarray(at, Math.min(at + piece, end)), sent));
    if (pause !== undefined) await sleep(pause);
    if (stall !== undefined && at >= stall) await sleep(100);
  }
  if (cut === undefined) response.end();
  else response.destroy();
}

function damaged(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const middle = copy.length >> 1;
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}

function sendJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "x-error-code": code, "x-error-message": message, "content-type": "application/json" });
  response.end(JSON.stringify({ error: message }));
}
