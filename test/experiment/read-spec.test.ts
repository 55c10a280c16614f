// An experiment's file: what it settles to, and how mistakes in it are told.

import { expect, test } from "bun:test";
import { planStages } from "../../src/experiment/plan-stages.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";

const good = `name: demo
bases: { small: ./small, large: ./large }
holdout: [text_replace, permissions]
sandbox: bubblewrap
data:
  main:
    author: { n: 100, seed: 1, samples: 1, trim: true }
    replay: { file: embedded, n: 50 }
training: { num_train_epochs: 1, lora-r: 8, maxLength: 512, load_4bit: true }
seeds: [1, 2]
scenarios:
  heldout: { author: { n: 24, seed: 1001, archetypes: [text_replace, permissions] } }
eval: { max_commands: 14 }
arms:
  base: { base: small }
  adapter: { base: small, data: main }
  big: { base: large, data: main, training: { lora_r: 64 }, seeds: 7 }
`.replace("max_commands", "max_steps");

const parse = (text: string) => parseSpec(text, "exp.yaml");

/** `line: message | hint` of the refusal of the good file with one thing changed. */
function refusal(from: string, to: string): string {
  expect(good).toContain(from);
  try {
    parse(good.replace(from, to));
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    return `${message} | ${hint}`;
  }
  return "taken";
}

test("what the file leaves out is filled in", () => {
  const spec = parse(good);
  expect(spec.arms.adapter).toEqual({
    base: "small",
    data: "main",
    training: { numTrainEpochs: 1, loraR: 8, maxLength: 512, load4bit: true },
    prime: null,
    terminals: null,
    scenarios: ["heldout"],
    seeds: [1, 2],
    compareWith: "base",
    prediction: null,
  });
  expect(spec.arms.big).toMatchObject({ seeds: [7], training: { loraR: 64 }, compareWith: null });
  expect(spec.data.main).toMatchObject({ author: { gates: "proof", n: 100 }, replay: { n: 50 } });
  // An eval holds its base as training does.
  expect(spec.eval).toEqual({ load4bit: true, maxSteps: 14 });
  expect(spec.sandbox).toEqual({ sandbox: "bubblewrap" });
});

test.each([
  ["seeds: [1, 2]", "sedes: [1, 2]", "exp.yaml:10: sedes: expected one of name", "did you mean seeds?"],
  [
    "lora-r: 8",
    "lora-rr: 8",
    "exp.yaml:9: training.lora-rr: expected an option of `sekft train`",
    "did you mean lora-r?",
  ],
  [
    "lora_r: 64",
    "lora_q: 64",
    "exp.yaml:17: arms.big.training.lora_q: expected an option of `sekft train`",
    "did you mean lora-r?",
  ],
  [
    "trim: true",
    "trimm: true",
    "exp.yaml:7: data.main.author.trimm: expected an option",
    "did you mean trim?",
  ],
  [
    "file: embedded",
    "fiel: embedded",
    "exp.yaml:8: data.main.replay.fiel: expected one of file, n",
    "did you mean file?",
  ],
  [
    "max_steps: 14",
    "max_step: 14",
    "exp.yaml:13: eval.max_step: expected an option of `sekft eval`",
    "did you mean max-steps?",
  ],
  ["lora-r: 8", "lora-r: many", "exp.yaml:9: training.lora-r: expected a whole number from 1 to 1024", ""],
  [
    "sandbox: bubblewrap",
    "sandbox: bubblewrp",
    "exp.yaml:4: sandbox: expected a kind of sandbox",
    "did you mean bubblewrap?",
  ],
  [
    "data: main }",
    "data: mian }",
    "exp.yaml:16: arms.adapter.data: expected a data set",
    "did you mean main?",
  ],
  ["base: large", "base: larg", "exp.yaml:17: arms.big.base: expected a base", "did you mean large?"],
  [
    "base: { base: small }",
    "base: {}",
    "exp.yaml:15: arms.base: expected base, since there are several",
    "small, large",
  ],
  [
    "data: main }",
    "data: main, compare_with: bass }",
    "exp.yaml:16: arms.adapter: expected compare_with to name another arm",
    "did you mean base?",
  ],
  [
    "data: main }",
    "scenarios: heldot, data: main }",
    "exp.yaml:16: arms.adapter.scenarios: expected a set of scenarios",
    "did you mean heldout?",
  ],
  [
    "holdout: [text_replace",
    "holdout: [text_replac",
    "exp.yaml:3: holdout: expected an archetype",
    "did you mean text_replace?",
  ],
  [
    "{ base: small, data: main }",
    "{ base: small }",
    "exp.yaml:16: arms.adapter: expected something that tells it from arms.base",
    "give it data",
  ],
  [
    "{ base: small, data: main }",
    "{ base: small, seeds: 3 }",
    "exp.yaml:16: arms.adapter.seeds: expected data beside seeds",
    "nothing is trained",
  ],
  [
    "author: { n: 100",
    "trajectories: x\n    author: { n: 100",
    "exp.yaml:6: data.main: expected one of author, trajectories and from, got more",
    "",
  ],
  ["author: { n: 100, ", "author: { ", "exp.yaml:7: data.main.author: expected n, the number", ""],
  ["seed: 1001", "gates: proof", "exp.yaml:12: scenarios.heldout.author.gates: expected an option", ""],
  ["seed: 1,", "key: secret,", "exp.yaml:7: data.main.author.key: expected an option", ""],
  ["name: demo", "name: ../demo", "exp.yaml:1: name: expected a name of letters", ""],
  ["seeds: [1, 2]", "seeds: [1, 1]", "exp.yaml:10: seeds: expected different numbers", ""],
])("%s -> %s is refused by file, line and field", (from, to, message, hint) => {
  const said = refusal(from, to);
  expect(said).toContain(message);
  expect(said).toContain(hint);
});

test("predictions become arms, data and scenarios of their own, and leave the others as they were", () => {
  const text = good
    .replace("bases: { small: ./small, large: ./large }", "base: ./small")
    .replace(/base: small,? ?/g, "");
  const plain = parse(text.replace(/ {2}big.*\n/, ""));
  const spec = parse(
    `${text.replace(/ {2}big.*\n/, "")}predictions: { further_archetypes: { n: 12 }, terminal_token: { weights: [4] }, terminal_ranking: {} }\n`,
  );
  expect(spec.predictions).toEqual(["further_archetypes", "terminal_token", "terminal_ranking"]);
  for (const part of ["data", "scenarios", "arms"] as const) expect(spec[part]).toMatchObject(plain[part]);
  const further = spec.data["main-further"]!;
  expect(further).toMatchObject({ author: null, from: "main", replay: { n: 50 } });
  expect(further.without.length).toBe(2);
  expect(spec.scenarios.further).toMatchObject({ author: { n: 12, archetypes: further.without } });
  expect(spec.arms["further-adapter"]).toMatchObject({
    data: "main-further",
    scenarios: ["further"],
    seeds: [1, 2],
    compareWith: "further-base",
    prediction: "further_archetypes",
  });
  const terminals = { exit: "leave", panic: "stuck" };
  expect(spec.arms["adapter-renamed"]).toMatchObject({
    data: "main",
    terminals,
    compareWith: "renamed-base",
  });
  expect(spec.arms["renamed-base"]).toMatchObject({ data: null, terminals, seeds: [] });
  expect(spec.arms["adapter-weight-4"]).toMatchObject({
    training: { terminalWeight: 4, loraR: 8 },
    compareWith: "adapter",
  });
});

test("a prediction about nothing is refused, and so is a word that a shell has already", () => {
  const alone = good.replace(/ {2}(adapter|big).*\n/g, "");
  expect(() => parse(`${alone}predictions: [terminal_token]\n`)).toThrow(
    "exp.yaml:16: predictions: terminal_token: expected an arm that is trained",
  );
  expect(() => parse(`${good}predictions: [terminal_tokens]\n`)).toThrow("expected a prediction");
  expect(refusal("data: main }", "data: main, terminals: { exit: ls } }")).toContain(
    "exp.yaml:16: arms.adapter.terminals",
  );
});

test("stages are what arms need, in the order in which they build on each other; a teacher's scenarios come before its sessions", () => {
  const taught = good
    .replace("samples: 1, trim: true", "samples: 4, url: http://127.0.0.1:8080/v1")
    .replace("scenarios:\n", "scenarios:\n  unused: { folder: ./nowhere }\n")
    .replace(/data: main \}/, "data: main, scenarios: heldout }")
    .replace("{ base: small }", "{ base: small, scenarios: heldout }")
    .replace("seeds: 7 }", "seeds: 7, scenarios: heldout }");
  const stages = planStages(parse(taught));
  expect(stages.map(({ id }) => id)).toEqual([
    "scenarios/heldout",
    "data/main/authored",
    "data/main/sessions",
    "data/main/rows",
    "eval/base",
    "models/adapter/seed-1",
    "models/adapter/seed-2",
    "models/big/seed-7",
    "eval/adapter/seed-1",
    "eval/adapter/seed-2",
    "eval/big/seed-7",
  ]);
  for (const [i, { needs }] of stages.entries())
    for (const id of needs) expect(stages.slice(0, i).map((one) => one.id)).toContain(id);
  expect(stages[1]!.units).toBe(25);
});
