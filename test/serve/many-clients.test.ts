// Eight clients at once that hang up when they like, half of them with adapters: every answer is what it is alone, and nothing
// is left behind. SEKFT_SOAK_SECONDS=600 makes it the long run.

import { describe, expect } from "bun:test";
import { testDevice } from "../gpu.ts";
import { type Running, runReal } from "./running.ts";
import { makeTalkingBase, otherAdapter, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const { gpuTest } = await testDevice();
const seconds = Number(process.env.SEKFT_SOAK_SECONDS ?? 4);

interface Question {
  readonly model: string;
  readonly path: string;
  readonly body: object;
}

/** A generator of repeatable numbers below `n`. */
function lottery(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
}

function questions(): Question[] {
  const random = lottery(3);
  return ["tiny", "ops", "tiny", "other"].flatMap((model, m) =>
    Array.from({ length: 8 }, (_, i): Question => {
      const sampled = i % 2 === 1;
      const length = { max_tokens: 1 + random(40), ...(sampled ? { seed: i + 1 } : { temperature: 0 }) };
      if (i % 4 < 2) {
        const messages = [{ role: "user", content: `question ${m} ${"x".repeat(random(60))}` }];
        return { model, path: "/v1/chat/completions", body: { messages, return_token_ids: true, ...length } };
      }
      const prompt = Array.from({ length: 1 + random(120) }, () => random(260));
      return { model, path: "/v1/completions", body: { prompt, return_token_ids: true, ...length } };
    }),
  );
}

/** Token ids of a whole answer. */
async function ask(
  server: Running,
  { model, path, body }: Question,
  signal?: AbortSignal,
): Promise<number[]> {
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, ...body }),
    ...(signal && { signal }),
  });
  const answer = (await response.json()) as { choices?: { token_ids: number[] }[]; error?: unknown };
  if (!answer.choices) throw new Error(JSON.stringify(answer.error));
  return answer.choices[0]!.token_ids;
}

/** Token ids of a streamed answer; `after` chunks the client goes away, and then there are none. */
async function listen(
  server: Running,
  { model, path, body }: Question,
  after: number,
): Promise<number[] | undefined> {
  const hangUp = new AbortController();
  const response = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, ...body, stream: true }),
    signal: hangUp.signal,
  });
  const ids: number[] = [];
  let text = "";
  let chunks = 0;
  try {
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const lines = text.split("\n\n");
      text = lines.pop()!;
      for (const line of lines) {
        if (line === "data: [DONE]") return ids;
        const chunk = JSON.parse(line.slice("data: ".length)) as {
          choices: { token_ids?: number[] }[];
          error?: unknown;
        };
        if (chunk.error) throw new Error(JSON.stringify(chunk.error));
        ids.push(...(chunk.choices[0]?.token_ids ?? []));
        if (++chunks === after) {
          hangUp.abort();
          return undefined;
        }
      }
    }
  } catch (error) {
    if (!hangUp.signal.aborted) throw error;
  }
  return undefined;
}

const deviceBytes = (server: Running) =>
  [...server.server.hot.current.memory().values()].reduce((sum, bytes) => sum + bytes, 0);

describe("eight clients at once", () => {
  gpuTest(
    "with random hang-ups, half of them with adapters: each answer is its answer alone, and nothing leaks",
    async () => {
      const server = await runReal(makeTalkingBase(temporaryFolder()), {
        adapters: [
          { name: "ops", path: tinyAdapter },
          { name: "other", path: otherAdapter },
        ],
      });
      const all = questions();
      const alone: number[][] = [];
      for (const question of all) alone.push(await ask(server, question));
      let answered = 0;
      let hungUp = 0;
      const settled: { rss: number; device: number }[] = [];
      const client = async (number: number, until: number) => {
        const random = lottery(100 + number + until);
        while (Date.now() < until) {
          const index = random(all.length);
          const question = all[index]!;
          let got: number[] | undefined;
          const mood = random(4);
          if (mood === 0) got = await listen(server, question, 1 + random(8));
          else if (mood === 1) {
            const signal = AbortSignal.timeout(1 + random(40));
            got = await ask(server, question, signal).catch((error) => {
              if (signal.aborted) return undefined;
              throw error;
            });
          } else got = await (mood === 2 ? ask(server, question) : listen(server, question, -1));
          if (got === undefined) hungUp++;
          else {
            expect({ index, got }).toEqual({ index, got: alone[index]! });
            answered++;
          }
        }
      };
      const rounds = 4;
      for (let round = 0; round < rounds; round++) {
        const until = Date.now() + (seconds * 1000) / rounds;
        await Promise.all(Array.from({ length: 8 }, (_, number) => client(number, until)));
        const deadline = Date.now() + 5000;
        const stats = () => server.server.hot.current.engine.stats();
        while (stats().running + stats().waiting > 0 && Date.now() < deadline) await Bun.sleep(5);
        expect(stats()).toMatchObject({ running: 0, waiting: 0 });
        Bun.gc(true);
        settled.push({ rss: process.memoryUsage.rss(), device: deviceBytes(server) });
      }
      expect(answered).toBeGreaterThan(10 * seconds);
      expect(hungUp).toBeGreaterThan(2 * seconds);
      const [first, last] = [settled[0]!, settled.at(-1)!];
      expect(last.device).toBe(first.device);
      expect(last.rss - first.rss).toBeLessThan(64 << 20);
      expect(server.said).toEqual([]);
      if (seconds > 60) console.log({ answered, hungUp, settled });
      await server.close();
    },
    1_000_000,
  );
});
