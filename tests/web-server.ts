import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";

/** A server of files on this machine. */
export interface WebServer {
  /** Without a slash at its end. */
  readonly url: string;
  /** Paths that were asked for. */
  readonly requests: string[];
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * Serves folders under paths, with ranges, as static hosts do.
 *
 * @param folders by path: `{ "/models/": "fixtures/pipelines/" }`.
 * @param headers of every answer.
 */
export async function serveFolders(
  folders: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<WebServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://host").pathname);
    requests.push(path);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    answer(request, response, path, folders).catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, close: () => closed(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  folders: Readonly<Record<string, string>>,
): Promise<void> {
  const [mount = "", folder = ""] = Object.entries(folders).find(([mount]) => path.startsWith(mount)) ?? [];
  const bytes = await readFile(join(folder, path.slice(mount.length) || "index.html"));
  const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)/.exec(request.headers.range ?? "") ?? [];
  const end = to === "" ? bytes.length : Number(to) + 1;
  const isPart = request.headers.range !== undefined;
  response.setHeader("content-type", types[extname(path) || ".html"] ?? "application/octet-stream");
  response.setHeader("content-length", end - Number(from));
  if (isPart) response.setHeader("content-range", `bytes ${from}-${end - 1}/${bytes.length}`);
  response.writeHead(isPart ? 206 : 200);
  response.end(request.method === "HEAD" ? undefined : bytes.subarray(Number(from), end));
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}
