import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { HubOptions } from "./hub-options.js";

/** Where models come from and where they are kept. */
export interface HubSettings {
  /** Web address without a slash at its end. */
  readonly endpoint: string;
  /** Absolute path. */
  readonly cacheDir: string;
  /** Absolute path of the folder for files that come from elsewhere than the Hub. */
  readonly filesDir: string;
  readonly token: string | undefined;
  /** Whether nothing may be asked of the network. */
  readonly offline: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const HUB = "https://huggingface.co";

/** The settings of a call: its options, else what the environment says to Python's `huggingface_hub`. */
export async function hubSettings(options: HubOptions = {}, env: Environment = process.env): Promise<HubSettings> {
  const { cacheDir } = options;
  if (cacheDir === "") throw new TypeError('cacheDir: expected the path of a folder, got ""');
  return {
    endpoint: hubEndpoint(env),
    cacheDir: resolve(cacheDir ?? defaultCacheDir(env)),
    filesDir: resolve(cacheDir === undefined ? assetsDir(env) : join(cacheDir, ".latentkit")),
    token: options.token ?? (await defaultToken(env)),
    offline: isTrue(env.HF_HUB_OFFLINE) || isTrue(env.TRANSFORMERS_OFFLINE),
  };
}

/** The web address of the Hub, or of the mirror that `HF_ENDPOINT` names. */
export function hubEndpoint(env: Environment = process.env): string {
  const endpoint = given(env.HF_ENDPOINT) ?? HUB;
  if (/^https?:\/\//.test(endpoint) && URL.canParse(endpoint)) return endpoint.replace(/\/+$/, "");
  throw new TypeError(`HF_ENDPOINT: expected a web address, got ${JSON.stringify(endpoint)}`);
}

function defaultCacheDir(env: Environment): string {
  return userPath(given(env.HF_HUB_CACHE) ?? given(env.HUGGINGFACE_HUB_CACHE) ?? join(homeOf(env), "hub"));
}

/** Where libraries keep files of their own beside the Hub's. */
function assetsDir(env: Environment): string {
  return join(userPath(given(env.HF_ASSETS_CACHE) ?? join(homeOf(env), "assets")), "latentkit");
}

async function defaultToken(env: Environment): Promise<string | undefined> {
  const token = given(env.HF_TOKEN?.trim()) ?? given(env.HUGGING_FACE_HUB_TOKEN?.trim());
  if (token !== undefined) return token;
  const file = userPath(given(env.HF_TOKEN_PATH) ?? join(homeOf(env), "token"));
  const text = await readFile(file, "utf8").catch(() => "");
  return given(text.trim());
}

function homeOf(env: Environment): string {
  const caches = given(env.XDG_CACHE_HOME) ?? join(homedir(), ".cache");
  return userPath(given(env.HF_HOME) ?? join(caches, "huggingface"));
}

/** A path of which `~` is the user's folder. */
const userPath = (path: string): string => path.replace(/^~(?=$|[\\/])/, () => homedir());
/** A variable that is set to nothing is not set. */
const given = (value: string | undefined): string | undefined => (value === "" ? undefined : value);
const isTrue = (value = ""): boolean => ["1", "ON", "YES", "TRUE"].includes(value.toUpperCase());
