// One session, against the corpus's own records and against operators that misbehave.

import { describe, expect, test } from "bun:test";
import {
  type Episode,
  defaultEpisodeLimits as limits,
  type Model,
  type Reply,
} from "../../src/agent/contract.ts";
import { type EpisodeRequest, runEpisode } from "../../src/agent/episode.ts";
import { toTrajectoryRecord } from "../../src/agent/record.ts";
import { withRetries } from "../../src/agent/retries.ts";
import { type FailureKind, InfrastructureError, Interrupted } from "../../src/base/errors.ts";
import type { Turn } from "../../src/data/normalize.ts";
import { playedProvider, recordedProvider, scenarioOf, scenarios, trajectories } from "./recorded-world.ts";
import { type ScriptedReply, scriptedModel } from "./scripted-model.ts";

type Shell = Parameters<typeof playedProvider>[0];
const settings = { temperature: 0, topP: 1, seed: 0 };

describe("a session", () => {
  test("leaves the record of the corpus, field for field, when its commands and outputs are the same", async () => {
    for (const row of trajectories) {
      const scenario = scenarios.get(row.scenario_id)!;
      const commands = row.turns.filter(({ role }) => role === "assistant").map(({ content }) => content);
      const model = scriptedModel(commands, "reference");
      const episode = await runEpisode({
        scenario,
        provider: recordedProvider(row.turns),
        model,
        limits,
        settings,
      });
      expect(JSON.stringify(toTrajectoryRecord(episode, row.sample, true))).toBe(JSON.stringify(row));
      expect({ id: row.id, operated: episode.operated, discovered: episode.discovered }).toEqual({
        id: row.id,
        operated: true,
        discovered: true,
      });
    }
  });
});

const scenario = scenarioOf("file_create");
const run = (
  replies: readonly ScriptedReply[] | Model,
  more: Partial<EpisodeRequest> & { world?: Shell } = {},
) => {
  const { world = () => ({}), ...request } = more;
  const model = Array.isArray(replies) ? scriptedModel(replies) : (replies as Model);
  return runEpisode({
    scenario,
    provider: playedProvider(world, false),
    model,
    limits,
    settings,
    ...request,
  });
};
const forever = (reply: (n: number) => string): Model => {
  let n = 0;
  return { ...scriptedModel([]), generate: async () => answer(reply(n++)) };
};
const answer = (content: string, more: Partial<Reply> = {}): Reply => ({
  content,
  finish: "stop",
  promptTokens: undefined,
  completionTokens: undefined,
  ...more,
});
const notFound = (command: string) => ({
  output: `/bin/sh: 1: ${command.split(" ")[0]}: not found\n`,
  status: 127,
});

describe("an operator that", () => {
  test("talks prose drifts after three replies in a row", async () => {
    const world = notFound;
    const episode = await run(
      forever((n) => `I would look at file number ${n} first.`),
      { world },
    );
    expect(episode).toMatchObject({ outcome: "prose_drift", terminal: null, limitsHit: [], verified: false });
    expect(episode.steps).toHaveLength(3);
    expect(episode.steps.every(({ prose }) => prose)).toBe(true);
  });
  test("talks around its commands and never leaves drifts too", async () => {
    const episode = await run(
      forever((n) => `Sure, next one:\n\`\`\`sh\necho ${n}\n\`\`\``),
      {
        limits: { ...limits, maxSteps: 5 },
      },
    );
    expect(episode).toMatchObject({ outcome: "prose_drift", limitsHit: ["steps"] });
    expect(episode.turns.filter(({ role }) => role === "assistant").map(({ content }) => content)).toEqual(
      [0, 1, 2, 3, 4].map((n) => `echo ${n}`),
    );
  });
  test("exits at once left too early, and panics at once with the wrong word", async () => {
    expect(await run(["exit"])).toMatchObject({
      outcome: "premature_exit",
      terminal: "exit",
      verified: false,
    });
    expect(await run(["panic"])).toMatchObject({
      outcome: "wrong_terminal",
      terminal: "panic",
      operated: false,
    });
  });
  test("never ends is stopped by its steps", async () => {
    const episode = await run(forever((n) => `echo ${n}`));
    expect(episode).toMatchObject({ outcome: "budget_overrun", limitsHit: ["steps"], verified: false });
    expect(episode.steps).toHaveLength(limits.maxSteps);
  });
  test("repeats itself without any change, or fails all the time, is stopped after ten such commands", async () => {
    const same = await run(
      forever(() => "ls"),
      { world: () => ({ output: "a\n" }) },
    );
    expect(same).toMatchObject({ outcome: "budget_overrun", limitsHit: ["errors"] });
    expect(same.steps).toHaveLength(11);
    const failing = await run(
      forever((n) => `cat ${n}`),
      { world: () => ({ output: "no\n", status: 1 }) },
    );
    expect(failing).toMatchObject({ outcome: "budget_overrun", limitsHit: ["errors"] });
    expect(failing.steps).toHaveLength(10);
  });
  test("fails every other time is not failing all the time", async () => {
    const world = (command: string) => ({ status: Number(command.slice(-1)) % 2 });
    expect(
      (
        await run(
          forever((n) => `test ${n}`),
          { world },
        )
      ).limitsHit,
    ).toEqual(["steps"]);
  });
  test("walks on with the same command is not repeating itself", async () => {
    let depth = 0;
    const world = () => ({ directory: `/d${depth++}` });
    expect(
      (
        await run(
          forever(() => "cd .."),
          { world },
        )
      ).limitsHit,
    ).toEqual(["steps"]);
  });
  test("dies is the machinery's failure, not judged and not its own", async () => {
    const dies = () => {
      throw new InfrastructureError("api_error", "endpoint: connection refused");
    };
    const episode = await run(["ls", dies]);
    expect(episode).toMatchObject({
      outcome: "infrastructure_error",
      verified: null,
      error: { kind: "api_error", message: "endpoint: connection refused", retryable: true },
    });
    expect(episode.turns.at(-1)).toEqual({ role: "assistant", content: "ls" });
  });
  test("answers with rubbish, or not at all, is incomplete", async () => {
    for (const rubbish of [
      "qwpo zxcm",
      "%%%@@@",
      "\u{fffd}\u{fffd}\u{fffd}",
      '{"foo": 1}',
      "",
      "  \n",
      "#",
      "<think>hm",
    ]) {
      const episode = await run(
        forever(() => rubbish),
        { world: notFound },
      );
      expect({ rubbish, outcome: episode.outcome, steps: episode.steps.length }).toEqual({
        rubbish,
        outcome: "incomplete",
        steps: 3,
      });
    }
  });
  test("tries programs that are not there may go on, but ten times nothing is nothing", async () => {
    const episode = await run(["git status", "python3 x", "curl x", "ls", "exit"], {
      world: (command) => (command === "ls" ? {} : notFound(command)),
    });
    expect(episode.terminal).toBe("exit");
    const all = await run(
      forever((n) => `git ${n}`),
      { world: notFound },
    );
    expect(all).toMatchObject({ outcome: "incomplete", limitsHit: [] });
    expect(all.steps).toHaveLength(10);
  });
  test("is slow is stopped by the wall, even if it does not mind being stopped", async () => {
    const slow: Model = { name: "slow", generate: () => new Promise(() => undefined) };
    const episode = await run(slow, { limits: { ...limits, wallSeconds: 0.05 } });
    expect(episode).toMatchObject({
      outcome: "budget_overrun",
      limitsHit: ["wall"],
      verified: false,
      error: null,
    });
    const late = await run([() => Bun.sleep(20).then(() => "exit")]);
    expect(late.terminal).toBe("exit");
  });
  test("writes too much is stopped by its tokens", async () => {
    const model = { ...forever(() => ""), generate: async () => answer("ls", { completionTokens: 40 }) };
    const episode = await run(model, { limits: { ...limits, outputTokens: 100 } });
    expect(episode).toMatchObject({ outcome: "budget_overrun", limitsHit: ["output"] });
    expect(episode.steps).toHaveLength(3);
  });
  test("never stops speaking is stopped after three replies that were cut", async () => {
    let n = 0;
    const model = { ...forever(() => ""), generate: async () => answer(`echo ${n++}`, { finish: "length" }) };
    expect(await run(model)).toMatchObject({ outcome: "budget_overrun", limitsHit: ["reply_length"] });
    expect(n).toBe(3);
  });
  test("starts what never ends has a command's time limit in its record", async () => {
    const world = () => ({ status: 124, timedOut: true });
    expect((await run(["sleep 99", "exit"], { world })).limitsHit).toEqual(["command_timeout"]);
  });
});

test("markup that the shell takes for a redirection is rubbish as well", async () => {
  const world = () => ({ output: "/bin/sh: 1: cannot open tool_call: No such file\n", status: 2 });
  const episode = await run(
    forever(() => '<tool_call>{"name": "ls"}</tool_call>'),
    { world },
  );
  expect(episode).toMatchObject({ outcome: "incomplete", limitsHit: [] });
});

describe("the machinery", () => {
  const dead = (kind: FailureKind) => () => {
    throw new InfrastructureError(kind, "gone");
  };
  test("may fail at the start, in a command or at the verdict; the world is closed all the same", async () => {
    const provider = playedProvider(() => ({}));
    const cannot = { ...provider, open: async () => dead("provider_dead")() };
    expect(await run(["ls"], { provider: cannot })).toMatchObject({
      error: { kind: "provider_dead" },
      verified: null,
      outcome: "infrastructure_error",
    });
    const midway = playedProvider(dead("sandbox_dead"));
    expect((await run(["ls"], { provider: midway })).error?.kind).toBe("sandbox_dead");
    expect(midway.log).toEqual({ opened: 1, closed: 1, checked: 0 });
    const atEnd = playedProvider(() => ({}), dead("oom"));
    expect((await run(["exit"], { provider: atEnd })).error?.kind).toBe("oom");
    expect(atEnd.log.closed).toBe(1);
  });
  test("that is interrupted throws, and closes the world", async () => {
    const stop = new AbortController();
    const provider = playedProvider(() => ({}));
    const model: Model = {
      name: "waits",
      generate: () => {
        queueMicrotask(() => stop.abort());
        return new Promise(() => undefined);
      },
    };
    await expect(run(model, { provider, signal: stop.signal })).rejects.toBeInstanceOf(Interrupted);
    expect(provider.log).toEqual({ opened: 1, closed: 1, checked: 0 });
  });
  test("that fails in a way nobody foresaw does not pass for an episode", async () => {
    await expect(run([() => Promise.reject(new TypeError("bug"))])).rejects.toBeInstanceOf(TypeError);
  });
});

describe("retrying", () => {
  const failed = (retryable?: boolean) =>
    ({ error: { kind: "api_error", message: "x", retryable } }) as unknown as Episode;
  const fine = { error: null } as Episode;
  const policy = { attempts: 3, backoff: [0] };
  test("keeps what failed, and stops at the first that did not", async () => {
    const results = [failed(), failed(), fine];
    expect(await withRetries(async (i) => results[i]!, policy)).toEqual({
      episode: fine,
      failed: [results[0]!, results[1]!],
    });
  });
  test("gives up when it is of no use, or when all attempts are used", async () => {
    let runs = 0;
    const count = (episode: Episode) => async () => {
      runs++;
      return episode;
    };
    expect((await withRetries(count(failed(false)), policy)).failed).toEqual([]);
    expect(runs).toBe(1);
    expect((await withRetries(count(failed()), policy)).failed).toHaveLength(2);
    expect(runs).toBe(4);
  });
  test("can be interrupted while it waits", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 5);
    const waits = withRetries(async () => failed(), { attempts: 2, backoff: [60_000] }, stop.signal);
    await expect(waits).rejects.toBeInstanceOf(Interrupted);
  });
});

describe("what is sent", () => {
  const spy = (
    replies: string[],
    size = (turns: readonly Turn[]) => turns.reduce((n, t) => n + t.content.length, 0),
  ) => {
    const sent: Turn[][] = [];
    const model: Model = {
      name: "spy",
      countTokens: size,
      generate: async (turns) => {
        sent.push([...turns]);
        return answer(replies[sent.length - 1]!);
      },
    };
    return { sent, model };
  };
  test("holds scaffold and earlier turns, and the record does not", async () => {
    const { sent, model } = spy(["ls", "exit"]);
    const prime: Turn[] = [
      { role: "user", content: "PRIME$ " },
      { role: "assistant", content: "PRIMED" },
    ];
    const episode = await run(model, { scaffold: "SCAFFOLD", prime, world: () => ({ output: "a\n" }) });
    expect(sent[1]).toEqual([
      { role: "system", content: `SCAFFOLD\n\n${scenario.system}` },
      ...prime,
      { role: "user", content: scenario.announcement.login },
      { role: "user", content: "alice@sek:~$ " },
      { role: "assistant", content: "ls" },
      { role: "user", content: "a\n" },
      { role: "user", content: "alice@sek:~$ " },
    ]);
    expect(JSON.stringify(episode)).not.toMatch(/SCAFFOLD|PRIME/);
    expect(episode.turns[0]).toEqual({ role: "system", content: scenario.system });
  });
  test("is the first screen and as many of the newest commands as fit, each whole", async () => {
    const replies = [...Array.from({ length: 12 }, (_, i) => `echo ${i}`), "exit"];
    const { sent, model } = spy(replies);
    const ctxBudget = 400;
    const episode = await run(model, {
      limits: { ...limits, ctxBudget },
      world: (c) => ({ output: `${c}!`.padEnd(40, ".") }),
    });
    const head = scenario.system.length + scenario.announcement.login.length;
    const exchange = (i: number) => "alice@sek:~$ ".length + `echo ${i}`.length + 40;
    for (const [step, turns] of sent.entries()) {
      let room = ctxBudget - head - "alice@sek:~$ ".length;
      let kept = 0;
      while (kept < step && room >= exchange(step - 1 - kept)) room -= exchange(step - 1 - kept++);
      expect(turns.slice(0, 2)).toEqual(episode.turns.slice(0, 2) as Turn[]);
      const whole = episode.turns.slice(2, 3 + 3 * step);
      expect(turns.slice(2)).toEqual(whole.slice(3 * (step - kept)));
    }
    expect(sent.at(-1)!.length).toBeLessThan(20);
    expect(episode.turns).toHaveLength(2 + 3 * 12 + 2);
  });
  test("and recorded of a huge output is its beginning and its end, with a visible cut", async () => {
    const { sent, model } = spy(["cat big", "exit"]);
    const output = `BEGIN${"x".repeat(5000)}END\n`;
    const episode = await run(model, { limits: { ...limits, ctxBudget: 600 }, world: () => ({ output }) });
    const shown = sent[1]!.at(-2)!.content;
    expect(shown.length).toBeLessThanOrEqual(300);
    expect(shown.length).toBeGreaterThan(290);
    const cut = /^(BEGINx+)\n\[\.\.\. (\d+) characters left out \.\.\.\]\n(x+END\n)$/.exec(shown)!;
    expect(cut[1]!.length + Number(cut[2]) + cut[3]!.length).toBe(output.length);
    expect(episode.turns).toContainEqual({ role: "user", content: shown });
  });
  test("is nothing when not even the first screen fits", async () => {
    const { sent, model } = spy(["ls"]);
    expect(await run(model, { limits: { ...limits, ctxBudget: 20 } })).toMatchObject({
      outcome: "budget_overrun",
      limitsHit: ["context"],
      steps: [],
    });
    expect(sent).toEqual([]);
  });
});
