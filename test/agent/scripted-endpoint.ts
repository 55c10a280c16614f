// A real HTTP server that answers as a script says, for tests of everything that talks to an endpoint.

/** One request as it came. */
export interface Received {
  readonly path: string;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was sent
  readonly body: any;
  readonly at: number;
}

/** Answers the n-th request (from 0) to /chat/completions; a string is a completion's content. */
export type Script = (n: number, request: Received) => Response | string | Promise<Response | string>;

/** The server and what reached it. */
export interface ScriptedEndpoint extends Disposable {
  readonly url: string;
  readonly received: Received[];
}

/** A body as OpenAI writes it. */
export function completion(content: unknown, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "c",
    object: "chat.completion",
    model: "served-name",
    choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
    ...more,
  };
}

/** Starts a server on a free port. */
export function scriptedEndpoint(
  script: Script,
  options: { readonly models?: readonly string[]; readonly tokenize?: number } = {},
): ScriptedEndpoint {
  const received: Received[] = [];
  let asked = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const text = await request.text();
      const one = {
        path: pathname,
        headers: request.headers,
        body: text ? JSON.parse(text) : undefined,
        at: performance.now(),
      };
      if (pathname === "/v1/models")
        return options.models
          ? Response.json({ object: "list", data: options.models.map((id) => ({ id })) })
          : new Response("no", { status: 404 });
      if (pathname === "/tokenize" && options.tokenize !== undefined)
        return Response.json({ count: options.tokenize, tokens: [] });
      if (pathname !== "/v1/chat/completions") return new Response("not here", { status: 404 });
      received.push(one);
      const answer = await script(asked++, one);
      return typeof answer === "string" ? Response.json(completion(answer)) : answer;
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    received,
    [Symbol.dispose]: () => void server.stop(true),
  };
}
