// Where the Hub is, where its cache lies and who asks: the environment variables that the Python tools read.
// huggingface_hub `constants.py`.

import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";

/** How to reach the Hub and where to keep what comes from there. */
export interface HubSettings {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Folder of `models--org--name` and its like. */
  readonly cache: string;
  readonly offline: boolean;
  /** Longest silence of the server. */
  readonly timeoutMs: number;
  /** Failures in a row, without a byte in between, after which a request is given up. */
  readonly attempts: number;
  /** First wait after a failure; it doubles each time. */
  readonly backoffMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings from the environment: HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE and the rest.
 *  @throws UserError for an endpoint that is no address. */
export function hubSettings(environment: Environment = process.env): HubSettings {
  const home =
    environment.HF_HOME ??
    join(environment.XDG_CACHE_HOME ?? join(environment.HOME ?? homedir(), ".cache"), "huggingface");
  const endpoint = (environment.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    throw new UserError(`HF_ENDPOINT: expected an address like https://huggingface.co, got ${endpoint}`);
  const seconds = Number(environment.HF_HUB_DOWNLOAD_TIMEOUT);
  return {
    endpoint,
    token: readToken(environment, home),
    cache: environment.HF_HUB_CACHE ?? environment.HUGGINGFACE_HUB_CACHE ?? join(home, "hub"),
    offline: /^(1|on|yes|true)$/i.test(environment.HF_HUB_OFFLINE ?? ""),
    timeoutMs: seconds > 0 ? seconds * 1000 : 30_000,
    attempts: 5,
    backoffMs: 1000,
  };
}

function readToken(environment: Environment, home: string): string | undefined {
  const given = environment.HF_TOKEN ?? environment.HUGGING_FACE_HUB_TOKEN;
  const file = environment.HF_TOKEN_PATH ?? join(home, "token");
  const token = (given ?? (existsSync(file) ? readFileSync(file, "utf8") : "")).trim();
  return token === "" ? undefined : token;
}
