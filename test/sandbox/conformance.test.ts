// The conformance suite, one test a check, over every sandbox of this machine; and the suite against sandboxes that break a rule.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Outcome } from "../../src/sandbox/conformance/run-checks.ts";
import { runChecks } from "../../src/sandbox/conformance/run-checks.ts";
import { chooseChecks, conformanceChecks } from "../../src/sandbox/conformance/suite.ts";
import type { CommandResult, Sandbox, SandboxProvider } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { testedProviders } from "./each-provider.ts";

setDefaultTimeout(600_000);

for (const { name, isHere, open } of testedProviders)
  describe(`${name} conforms`, () => {
    const outcomes = new Map(conformanceChecks.map(({ id }) => [id, Promise.withResolvers<Outcome>()]));
    let provider: SandboxProvider | undefined;
    beforeAll(async () => {
      if (!isHere) return;
      provider = await open();
      void runChecks(provider, conformanceChecks, 4, (outcome) =>
        outcomes.get(outcome.check.id)!.resolve(outcome),
      );
    });
    afterAll(async () => provider?.[Symbol.asyncDispose]());

    for (const { id, title } of conformanceChecks)
      need(name, isHere)(`${id}: ${title}`, async () => {
        const { status, reason, expected, got } = await outcomes.get(id)!.promise;
        if (status === "skipped") console.warn(`${name} ${id}: ${reason}`);
        const failure = status === "failed" ? { reason, expected, got } : undefined;
        expect(failure).toBeUndefined();
      });
  });

describe("the suite", () => {
  test("has checks of one name each, with a sentence and a source", () => {
    expect(new Set(conformanceChecks.map(({ id }) => id)).size).toBe(conformanceChecks.length);
    for (const { title, why } of conformanceChecks) expect(title.length * why.length).toBeGreaterThan(20);
  });

  test("holds every kind of check of inspect_ai's self_check.py", () => {
    const sources = conformanceChecks.map(({ why }) => why).join("\n");
    expect(inspectKinds.length).toBe(44);
    expect(inspectKinds.filter((kind) => !sources.includes(kind))).toEqual([]);
  });

  test("chooses by group and by pattern", () => {
    expect(chooseChecks(["timeouts"]).every(({ group }) => group === "timeouts")).toBe(true);
    expect(chooseChecks(["verdict/pass*"]).map(({ id }) => id)).toEqual(["verdict/passes"]);
    expect(chooseChecks(["nothing"])).toEqual([]);
  });

  const bubblewrap = testedProviders.find(({ name }) => name === "bubblewrap")!;
  for (const [fault, id, change] of faults())
    need("bubblewrap", bubblewrap.isHere)(`notices a sandbox ${fault}`, async () => {
      await using provider = await bubblewrap.open();
      const [outcome] = await runChecks(altered(provider, change), chooseChecks([id]), 1, () => {});
      expect(outcome).toMatchObject({ status: "failed" });
    });
});

type Change = (result: CommandResult, command: string) => CommandResult;

function faults(): readonly (readonly [fault: string, check: string, change: Change])[] {
  const ok = { timedOut: false, stateLost: false } as const;
  return [
    [
      "that calls death by signal a timeout",
      "timeouts/signal-is-no-timeout",
      (result) => ({ ...result, timedOut: result.status > 128 }),
    ],
    [
      "that calls every 124 a timeout",
      "timeouts/status-124",
      (result) => ({ ...result, timedOut: result.status === 124 }),
    ],
    ["that hides timeouts", "timeouts/timeout", (result) => ({ ...result, ...ok })],
    [
      "that guesses `exit` from a status",
      "terminals/exit-elsewhere",
      (result) => (result.status === 3 ? { ...result, terminal: { word: "exit", status: 3 } } : result),
    ],
    [
      "that guesses `exit` from its spelling",
      "terminals/exit-as-text",
      (result, command) =>
        /exit/.test(command) ? { ...result, terminal: { word: "exit", status: result.status } } : result,
    ],
    [
      "that loses the last newline",
      "execution/output",
      (result) => ({ ...result, output: result.output.trimEnd() }),
    ],
    [
      "that shows a nonce in `env`",
      "traces/environment",
      (result, command) =>
        command.startsWith("env")
          ? { ...result, output: `NONCE=0123456789abcdef0123\n${result.output}` }
          : result,
    ],
    ["that says nothing of what it cut", "output/cut", (result) => ({ ...result, truncated: false })],
    [
      "that hashes what it kept",
      "output/large",
      (result) => ({
        ...result,
        outputSha256: new Bun.CryptoHasher("sha256").update(result.output).digest("hex"),
      }),
    ],
  ];
}

/** `provider` with every command's result changed. */
function altered(provider: SandboxProvider, change: Change): SandboxProvider {
  const wrap = (sandbox: Sandbox): Sandbox =>
    new Proxy(sandbox, {
      get(target, key) {
        if (key === "run")
          return async (command: string, options?: object) =>
            change(await target.run(command, options), command);
        const value = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return new Proxy(provider, {
    get(target, key) {
      if (key === "open")
        return async (...args: Parameters<SandboxProvider["open"]>) => wrap(await target.open(...args));
      const value = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const inspectKinds =
  `read_and_write_file_text write_file_text_utf read_and_write_file_binary read_and_write_large_file_binary
read_and_write_file_including_directory_absolute read_and_write_file_including_directory_relative read_file_zero_length
read_file_not_found read_file_not_allowed read_file_is_directory read_file_nonsense_name read_file_limit
write_text_file_zero_length write_text_file_space write_text_file_is_directory write_text_file_without_permissions
write_text_file_exists write_binary_file_zero_length write_binary_file_space write_binary_file_is_directory
write_binary_file_without_permissions write_binary_file_exists exec_output exec_stderr exec_output_utf exec_stderr_utf
exec_returncode exec_timeout exec_timeout_not_raised_on_fast_signal_death exec_timeout_kills_process
exec_timeout_kills_child_processes exec_permission_error exec_env_vars exec_input_text exec_input_shell_special
exec_input_binary exec_input_large exec_large_command exec_as_user exec_as_nonexistent_user cwd_unspecified cwd_custom
cwd_relative cwd_absolute`
    .split(/\s+/)
    .map((kind) => `test_${kind}`);
