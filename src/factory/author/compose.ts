// One scenario out of a seed, an archetype and a number: work, provider and announcement put together into a bundle.

import { Rng } from "../../base/rng.ts";
import type { Scenario } from "../../data/scenario.ts";
import { hashScenario, withoutProof } from "../../data/scenario-json.ts";
import {
  type ArchetypeName,
  announcementKinds,
  archetypeNames,
  HOST,
  type LevelName,
  levels,
  nouns,
  type ProviderShape,
  userNames,
} from "../taxonomy.ts";
import { announce } from "./announcement.ts";
import { archetypeMakers } from "./archetypes/index.ts";
import { providerName } from "./names.ts";
import type { AuthoredScenario, Plan } from "./plan.ts";
import { makeProvider, type Provider } from "./provider.ts";
import { Seat } from "./seat.ts";
import { all } from "./sh.ts";
import type { Solution, Work } from "./work.ts";

/** Composes scenario number `index` of an archetype. Every choice hangs on (seed, archetype, index, level) alone. */
export function composeScenario(
  seed: number,
  archetype: ArchetypeName,
  index: number,
  levelName: LevelName = "full",
): AuthoredScenario {
  const level = levels[levelName];
  const rng = new Rng(`${seed}/${archetype}/${index}`);
  const cell = cellOf(seed, archetype, index, level.shapes);
  const user = rng.fork("user").pick(userNames);
  const difficulty = rng.fork("difficulty").pick<number>(level.difficulties);
  const work = archetypeMakers[archetype](new Seat(rng.fork("work"), user, difficulty));
  const several = (work.parts?.length ?? 0) > 1;
  const frame = rng.fork("frame");
  const shape = several ? "ack" : cell.shape;
  const depth = frame.pick<number>(level.docDepths);
  const noun = frame.pick(nouns);
  const nested = frame.chance(level.nested);
  const name = providerName(seed, archetypeNames.indexOf(archetype), index);
  const provider = makeProvider(work, new Seat(rng.fork("provider"), user, difficulty), {
    name,
    shape,
    depth,
    noun,
  });
  const said = announce(cell.kind, new Seat(rng.fork("announcement"), user, difficulty), provider, nested);
  const plan = planOf(work, provider, said.discover);
  const content: Omit<Scenario, "contentHash"> = {
    id: `${archetype}-${String(index).padStart(3, "0")}`,
    archetype,
    axes: {
      author: "builtin",
      seed: String(seed),
      ...(levelName === "full" ? {} : { level: levelName }),
      provider_shape: shape,
      announcement: said.kind,
      nested: nested ? "yes" : "no",
      doc_depth: String(depth),
      difficulty: String(difficulty),
      variant: work.variant,
      noun,
      provider_dir: provider.path.slice(0, provider.path.lastIndexOf("/")),
    },
    user,
    host: HOST,
    system: `sek 0.1.0 host: ${HOST} user: ${user} shell: /bin/dash`,
    dirs: [...work.dirs, ...provider.dirs],
    fixtures: [...work.fixtures, ...provider.fixtures, ...said.fixtures],
    env: { ...work.env, ...said.env },
    provider: { name, path: provider.path, script: provider.script },
    announcement: { kind: said.kind, login: said.login },
    directive: work.directive === null ? null : `${work.directive}${provider.request}`,
    checker: all([...work.checks, ...provider.checks]),
    referenceSolution: [
      ...plan.discover[0]!,
      ...plan.help[0]!,
      ...plan.fetch[0]!,
      ...plan.solutions[0]!.map(({ command }) => command),
      plan.terminal,
    ],
    expectedTerminal: work.terminal,
  };
  return { scenario: { ...content, contentHash: hashScenario(content) }, plan };
}

/** The plan of a scenario that this author composed, made again from what its bundle says of itself.
 *  @returns `undefined` for a bundle of another author, or one that was changed since. */
export function recallPlan(scenario: Scenario): Plan | undefined {
  const seed = Number(scenario.axes.seed);
  const index = Number(/-(\d+)$/.exec(scenario.id)?.[1]);
  const archetype = archetypeNames.find((name) => name === scenario.archetype);
  if (scenario.axes.author !== "builtin" || archetype === undefined) return undefined;
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(index)) return undefined;
  const { level = "full" } = scenario.axes;
  if (!Object.hasOwn(levels, level)) return undefined;
  const again = composeScenario(seed, archetype, index, level as LevelName);
  return hashScenario(withoutProof(scenario)) === again.scenario.contentHash ? again.plan : undefined;
}

/** Shape and announcement: each pair comes once in every 40 scenarios of an archetype, of a plain one in every 20. */
function cellOf(seed: number, archetype: string, index: number, shapes: readonly ProviderShape[]) {
  const pairs = shapes.flatMap((shape) => announcementKinds.map((kind) => ({ shape, kind })));
  const round = Math.floor(index / pairs.length);
  return new Rng(`${seed}/${archetype}/cells/${round}`).shuffle(pairs)[index % pairs.length]!;
}

function planOf(work: Work, provider: Provider, discover: Plan["discover"]): Plan {
  const { done, next, request } = provider;
  const say = (command: string): string =>
    command === "@done" ? done! : command === "@next" ? next! : command;
  const finish: Solution = request === "" ? [] : [{ command: done!, kind: "act" }];
  return {
    discover,
    help: provider.help,
    fetch: provider.fetch,
    wrong: provider.wrong,
    look: work.look,
    slips: work.slips,
    solutions: work.solutions.map((solution) => [
      ...solution.map((step) => ({ ...step, command: say(step.command) })),
      ...finish,
    ]),
    verify: work.verify,
    terminal: work.terminal,
  };
}
