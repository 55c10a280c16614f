// /v1/chat/completions and /v1/completions: a request in, one JSON object or a stream of events out.

import type { AdapterRegistry } from "./adapter-registry.ts";
import type { Answers } from "./answers.ts";
import { ApiError, toApiError } from "./api-error.ts";
import type { ChatRoom } from "./chat-room.ts";
import {
  type CompletionRequest,
  readChatRequest,
  readTextRequest,
  type ServingLimits,
} from "./completion-request.ts";
import { CompletionShape, type FinishedAnswer } from "./completion-shape.ts";
import type { RequestFields } from "./request-fields.ts";
import type { Handler } from "./router.ts";
import type { AnswerEnd, AnswerToken } from "./served-base.ts";

/** What the routes need of the server. */
export interface CompletionParts {
  readonly baseName: string;
  readonly adapters: AdapterRegistry;
  readonly answers: Answers;
  readonly room: ChatRoom;
  /** As the base is now.
   *  @throws ApiError 503 while it is being loaded. */
  limits(): ServingLimits;
  /** Loads an adapter that is known but not served yet, e.g. a checkpoint; false when there is none of that name. */
  loadKnown(name: string): Promise<boolean>;
  /** Told of failures in the middle of a stream, when the status is long sent. */
  onFailure(error: ApiError): void;
}

/** The handler of one of the two routes. */
export function completionHandler(parts: CompletionParts, kind: "chat" | "text"): Handler {
  return async ({ json, signal }) => {
    const fields: RequestFields = await json();
    const request = (kind === "chat" ? readChatRequest : readTextRequest)(fields, parts.limits());
    parts.room.check();
    const adapter = await pickAdapter(parts, request);
    const shape = new CompletionShape(request, adapter ?? parts.baseName, parts.limits().format.tokenizer);
    const leave = parts.answers.admit(request.prompts.length * request.n);
    if (request.stream) return stream(parts, request, adapter, shape, signal, leave);
    const answers: { tokens: AnswerToken[]; end?: AnswerEnd }[] = [];
    const at = (choice: number) => (answers[choice] ??= { tokens: [] });
    try {
      await parts.answers.run(request, adapter, signal, {
        onToken: (choice, token) => at(choice).tokens.push(token),
        onEnd: (choice, end) => {
          at(choice).end = end;
        },
      });
    } finally {
      leave();
    }
    // Nobody reads this any more.
    if (signal.aborted) throw new ApiError(499, "the client hung up");
    return Response.json(shape.whole(answers as FinishedAnswer[]));
  };
}

/** The adapter that answers: llama.cpp's `lora` over the model's name over what was put on the base for everybody. */
async function pickAdapter(
  { adapters, baseName, loadKnown }: CompletionParts,
  { model, lora }: CompletionRequest,
): Promise<string | undefined> {
  const byId = (id: number) => {
    const adapter = adapters.byId(id);
    if (adapter) return adapter.name;
    throw new ApiError(400, `lora: expected the id of a loaded adapter, got ${id}`, { param: "lora" });
  };
  const named = model !== undefined && model !== baseName ? model : undefined;
  if (named !== undefined && !adapters.get(named) && !(await loadKnown(named)))
    throw new ApiError(
      404,
      `model: expected ${[baseName, ...adapters.list.map(({ name }) => name)].join(" or ")}, got ${named.slice(0, 200)}`,
      { param: "model", code: "model_not_found" },
    );
  if (lora !== undefined) return lora === null ? undefined : byId(lora);
  if (named !== undefined) return named;
  return adapters.everywhere === undefined ? undefined : byId(adapters.everywhere);
}

function stream(
  parts: CompletionParts,
  request: CompletionRequest,
  adapter: string | undefined,
  shape: CompletionShape,
  hangUp: AbortSignal,
  leave: () => void,
): Response {
  const cancelled = new AbortController();
  const gone = AbortSignal.any([hangUp, cancelled.signal]);
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const put = (text: string) => {
        if (!gone.aborted) controller.enqueue(encoder.encode(`data: ${text}\n\n`));
      };
      const send = (value: unknown) => put(JSON.stringify(value));
      const ends: AnswerEnd[] = [];
      const begun = new Set<number>();
      shape.opening().forEach(send);
      parts.answers
        .run(request, adapter, gone, {
          onToken: (choice, token) => {
            send(shape.token(choice, token, !begun.has(choice)));
            begun.add(choice);
          },
          onEnd: (choice, end) => {
            ends[choice] = end;
            send(shape.ending(choice, end));
          },
        })
        .then(
          () => {
            if (request.includeUsage && !gone.aborted) send(shape.closing(ends));
            put("[DONE]");
          },
          (error) => {
            const failure = toApiError(error);
            parts.onFailure(failure);
            send({ error: failure.body });
          },
        )
        .finally(() => {
          leave();
          if (!gone.aborted) controller.close();
        });
    },
    cancel() {
      cancelled.abort();
    },
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" },
  });
}
