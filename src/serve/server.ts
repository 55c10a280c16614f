// The HTTP side of the resident server: every request passes here, is checked, routed, counted and answered.

import type { Terminal } from "../base/command.ts";
import { AdapterRegistry } from "./adapter-registry.ts";
import { adapterRoutes, type BaseFacts } from "./adapter-routes.ts";
import { type AnswerLimits, Answers } from "./answers.ts";
import { ApiError, toApiError } from "./api-error.ts";
import { type ApiKeys, checkLocal } from "./api-keys.ts";
import { ChatRoom } from "./chat-room.ts";
import { type CompletionParts, completionHandler } from "./completion-routes.ts";
import { fileRoutes } from "./file-routes.ts";
import { FileStore } from "./file-store.ts";
import { HotBase } from "./hot-base.ts";
import { type JobParts, JobQueue } from "./job-queue.ts";
import { jobRoutes } from "./job-routes.ts";
import { Metrics } from "./metrics.ts";
import { type BodyLimits, findRoute, type Route, routed } from "./router.ts";
import type { ServedBase } from "./served-base.ts";
import type { TextFormat } from "./text-format.ts";

/** What a server is made of. */
export interface ServerParts {
  readonly baseName: string;
  readonly basePath: string;
  /** Asked for when somebody looks: it reads the weights. */
  readonly fingerprint: () => string;
  readonly format: TextFormat;
  /** Bring messages into training's form. */
  readonly normalize: boolean;
  /** undefined: anybody on this machine may ask. */
  readonly keys: ApiKeys | undefined;
  /** Requests come over a Unix socket, where a host name means nothing. */
  readonly overSocket: boolean;
  readonly limits: BodyLimits & AnswerLimits;
  /** Folder for files and jobs. */
  readonly store: string;
  /** What every training run on this server has. */
  readonly common: JobParts["common"];
  /** Serve adapters whose format probe failed. */
  readonly experimental?: boolean;
  /** Bytes of device memory that answers need beside a job that trains; 0: none. */
  readonly chatBytes?: number;
  /** Adapters to load with the base. */
  readonly adapters: readonly { readonly name: string; readonly path: string }[];
  readonly terminal: Terminal;
  /** Pauses before a lost device is tried again, milliseconds. */
  readonly pauses?: readonly number[];
  open(): Promise<ServedBase>;
  /** The device was lost and does not come back. */
  onDead(error: unknown): void;
}

/** The resident server without its port. */
export class ResidentServer {
  readonly hot: HotBase;
  readonly adapters: AdapterRegistry;
  readonly jobs: JobQueue;
  private readonly metrics = new Metrics();
  private readonly answers: Answers;
  private readonly routes: readonly Route[];
  private readonly created = Math.floor(Date.now() / 1000);
  private knownFingerprint: string | undefined;

  constructor(private readonly parts: ServerParts) {
    const { baseName, terminal, common, limits, format, normalize } = parts;
    const files = new FileStore(parts.store);
    this.hot = new HotBase(parts.open, (base) => this.restore(base), parts.onDead, terminal, parts.pauses);
    this.adapters = new AdapterRegistry(() => this.hot.current.engine, baseName, parts.experimental);
    this.jobs = new JobQueue({ hot: this.hot, adapters: this.adapters, files, terminal, baseName, common });
    this.answers = new Answers(this.hot, this.metrics, limits);
    const completions: CompletionParts = {
      baseName,
      adapters: this.adapters,
      answers: this.answers,
      room: new ChatRoom(
        () => this.jobs.counts().has("running"),
        () => this.hot.current.memoryLeft(),
        parts.chatBytes ?? 0,
      ),
      limits: () => {
        const { vocab, contextTokens } = this.hot.current;
        return { format, normalize, vocab, contextTokens };
      },
      loadKnown: (name) => this.jobs.loadKnown(name),
      onFailure: (error) => this.report(error),
    };
    this.routes = [
      { method: "GET", path: "/health", open: true, handle: () => this.health() },
      { method: "GET", path: "/metrics", handle: () => this.metricsPage() },
      { method: "POST", path: "/v1/chat/completions", handle: completionHandler(completions, "chat") },
      { method: "POST", path: "/v1/completions", handle: completionHandler(completions, "text") },
      ...adapterRoutes(this.adapters, () => this.baseFacts()),
      ...fileRoutes(files),
      ...jobRoutes(this.jobs, files),
    ];
  }

  /** Loads the base and the adapters that were asked for.
   *  @throws what loading throws. */
  async start(): Promise<void> {
    await this.hot.start();
    for (const { name, path } of this.parts.adapters) await this.adapters.load(name, path);
  }

  /** Answers any request; never throws. */
  readonly answer = async (request: Request): Promise<Response> => {
    let path = "none";
    let response: Response;
    try {
      const url = urlOf(request);
      if (!this.routes.some(({ open, path }) => open && path === url.pathname)) this.authorise(request, url);
      const { route, params } = findRoute(this.routes, request.method, url.pathname);
      path = route.path;
      response = await route.handle(routed(request, url, params, this.parts.limits));
    } catch (error) {
      const failure = toApiError(await this.hot.explain(error));
      this.report(failure);
      response = failure.response();
    }
    this.metrics.countRequest(path, response.status);
    return response;
  };

  /** Ends training with a checkpoint and gives the device back. */
  async close(): Promise<void> {
    this.answers.close();
    await this.jobs.close();
    await this.hot.close();
  }

  private authorise(request: Request, url: URL): void {
    const { keys, overSocket } = this.parts;
    if (keys) keys.check(request);
    else if (!overSocket) checkLocal(request, url);
  }

  private health(): Response {
    const { ready, losses } = this.hot;
    return Response.json(
      { status: ready ? "ok" : "loading", device_lost: losses },
      { status: ready ? 200 : 503, ...(!ready && { headers: { "retry-after": "2" } }) },
    );
  }

  private metricsPage(): Response {
    const facts = { adapters: this.adapters.list.length, jobs: this.jobs.counts() };
    return new Response(this.metrics.page(this.hot, facts), {
      headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
    });
  }

  private baseFacts(): BaseFacts {
    const { baseName: name, basePath: path, common } = this.parts;
    this.knownFingerprint ??= this.parts.fingerprint();
    const { contextTokens } = this.hot.current;
    return {
      name,
      path,
      created: this.created,
      contextTokens,
      fingerprint: this.knownFingerprint,
      load4bit: common.load4bit,
    };
  }

  private async restore(base: ServedBase): Promise<void> {
    for (const lost of await this.adapters.restore(base.engine))
      this.parts.terminal.warn(`resident: an adapter could not be loaded again: ${lost}`);
  }

  /** Failures of ours go to the server's own output; what a client did wrong is the client's to read. */
  private report(failure: ApiError): void {
    if (failure.status < 500 || failure.detail.code === "loading") return;
    const { cause } = failure.detail;
    const detail =
      failure.status === 500 && cause instanceof Error ? `\n${cause.stack ?? cause.message}` : "";
    this.parts.terminal.warn(`resident: ${failure.message}${detail}`);
  }
}

/** The host is the client's word and may be anything. */
function urlOf(request: Request): URL {
  const url = URL.parse(request.url);
  if (url) return url;
  throw new ApiError(400, "host: expected a name or an address, got something else", {
    code: "invalid_host",
  });
}
