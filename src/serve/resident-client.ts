// Speaks to a resident server: requests with its key, failures in its words.

import { UserError } from "../base/errors.ts";

/** The parts of a model that a client asks for. */
export interface RemoteModel {
  readonly id: string;
  readonly parent: string | null;
  readonly fingerprint?: string;
  readonly load_4bit?: boolean;
}

/** A job as the server tells it. */
export interface RemoteJob {
  readonly id: string;
  readonly status: string;
  readonly fine_tuned_model: string | null;
  readonly result_files: readonly string[];
  readonly total_steps: number | null;
  readonly error: { readonly message: string } | null;
}

/** An event of a job. */
export interface RemoteEvent {
  readonly id: string;
  readonly level: string;
  readonly message: string;
  readonly type: string;
  readonly data: Readonly<Record<string, number>> | null;
}

/** A server at an address. */
export class ResidentClient {
  private readonly origin: string;
  private readonly socket: string | undefined;

  /** @param url `http://127.0.0.1:8080`, with or without `/v1`, or `unix:/path`.
   *  @param key sent with every request when there is one. */
  constructor(
    readonly url: string,
    private readonly key = process.env.SEKFT_API_KEY,
  ) {
    this.socket = /^unix:(?:\/\/)?(\/.*)$/.exec(url)?.[1];
    this.origin = this.socket === undefined ? originOf(url) : "http://localhost";
  }

  /** @throws UserError with the server's own words. */
  async get<T>(path: string): Promise<T> {
    return (await this.ask(path, {})).json() as Promise<T>;
  }

  /** @throws UserError with the server's own words. */
  async post<T>(path: string, body: unknown): Promise<T> {
    const response = await this.ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    return (text.startsWith("{") ? JSON.parse(text) : text) as T;
  }

  /** Uploads a file for training and returns its id. */
  async upload(name: string, content: Uint8Array<ArrayBuffer> | string): Promise<string> {
    const body = new FormData();
    body.append("purpose", "fine-tune");
    body.append("file", new File([content], name));
    const file = (await (await this.ask("/v1/files", { method: "POST", body })).json()) as { id: string };
    return file.id;
  }

  /** The name and content of a file. */
  async download(id: string): Promise<{ name: string; content: Uint8Array }> {
    const { filename } = await this.get<{ filename: string }>(`/v1/files/${id}`);
    const response = await this.ask(`/v1/files/${id}/content`, {});
    return { name: filename, content: new Uint8Array(await response.arrayBuffer()) };
  }

  private async ask(path: string, init: BunFetchRequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.origin}${path}`, {
        ...init,
        headers: { ...init.headers, ...(this.key && { authorization: `Bearer ${this.key}` }) } as Record<
          string,
          string
        >,
        ...(this.socket !== undefined && { unix: this.socket }),
      });
    } catch (cause) {
      throw new UserError(`--resident ${this.url}: expected a server that answers, got none`, {
        hint: "start one with `sekft resident --base ...`",
        cause,
      });
    }
    if (response.ok) return response;
    const text = await response.text();
    throw new UserError(`--resident ${this.url}: ${messageOf(text) ?? `status ${response.status}`}`, {
      ...(response.status === 401 && { hint: "set SEKFT_API_KEY to a key of the server" }),
    });
  }
}

function originOf(url: string): string {
  const wrong = () =>
    new UserError(`--resident: expected a URL such as http://127.0.0.1:8080 or unix:/path, got ${url}`);
  let parsed: URL;
  try {
    parsed = new URL(/^[a-z]+:\/\//i.test(url) ? url : `http://${url}`);
  } catch {
    throw wrong();
  }
  if (!["http:", "https:"].includes(parsed.protocol) || !/^\/(v1\/?)?$/.test(parsed.pathname)) throw wrong();
  return parsed.origin;
}

function messageOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message;
  } catch {
    return undefined;
  }
}
