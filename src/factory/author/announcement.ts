// How an operator learns that there is a provider: at login, from a variable, from a file, or from a file that a file names.

import type { Fixture } from "../../data/scenario.ts";
import type { AnnouncementKind } from "../taxonomy.ts";
import type { Provider } from "./provider.ts";
import type { Seat } from "./seat.ts";

/** What a world says about its provider. */
export interface Announcement {
  readonly kind: AnnouncementKind;
  /** What is on the screen before the first prompt. */
  readonly login: string;
  readonly fixtures: readonly Fixture[];
  readonly env: Readonly<Record<string, string>>;
  /** Ways to read it; an empty way when the login text says all. */
  readonly discover: readonly (readonly string[])[];
  /** The announcement names another file, which names the provider. */
  readonly nested: boolean;
}

const capital = (word: string): string => `${word[0]!.toUpperCase()}${word.slice(1)}`;

/** Announces `provider` in the way of `kind`. */
export function announce(
  kind: AnnouncementKind,
  seat: Seat,
  provider: Provider,
  nested: boolean,
): Announcement {
  const { rng, user } = seat;
  const { run, noun } = provider;
  const greeting = rng.pick(["Welcome", "Hello", "Good day"]);
  const second = nested ? secondFile(seat, provider) : undefined;
  const follow = second === undefined ? [] : [`cat ${second.shown}`];
  const rest = { kind, nested, env: {}, fixtures: second === undefined ? [] : [second.fixture] };
  const lead = second === undefined ? "" : `About ${noun}s: see ${second.shown}.`;

  if (kind === "motd") {
    const text =
      lead !== ""
        ? rng.pick([`${greeting}, ${user}.\n${lead}`, `sek: ${lead}`])
        : rng.pick([
            `${greeting}, ${user}. Your ${noun}s are served by ${run}; see ${run} --help.`,
            `Welcome to sek.\n${capital(noun)}s: run '${run} --help' to learn how to get yours.`,
            `* ${noun}s for ${user} come from the program ${run}\n* it explains itself with --help`,
            `This seat works by ${noun}s.\nAsk ${run} for yours (${run} --help).`,
          ]);
    const motd = { path: "/etc/motd", content: `${text}\n` };
    return { ...rest, login: motd.content, fixtures: [motd, ...rest.fixtures], discover: [follow] };
  }
  if (kind === "banner") {
    const text =
      lead !== ""
        ? rng.pick([`sek 0.1.0 | operator ${user} | ${second!.shown}`, `[${lead}]`])
        : rng.pick([
            `sek 0.1.0 | operator ${user} | ${noun}s: ${run}`,
            `[${noun}s -> ${run}]`,
            `sek: ${noun} program for this seat: ${run}`,
            `seat of ${user}. ${noun}s by ${run}.`,
          ]);
    return { ...rest, login: `${text}\n`, discover: [follow] };
  }
  if (kind === "env") {
    const variable = rng.pick([
      "SEK_DIRECTIVES",
      "SEK_TASKS",
      "ORDERS_FROM",
      "ASSIGNMENTS",
      "WORK_SOURCE",
      "SEK_PROGRAM",
    ]);
    const value = second?.fixture.path ?? rng.pick([run, `run ${run} --help`]);
    const login = rng.pick([
      `${greeting}, ${user}. $${variable} says where your ${noun}s are.\n`,
      `${greeting}, ${user}. Where ${noun}s come from is in the variable ${variable}.\n`,
    ]);
    const looks = [
      `echo $${variable}`,
      `env | grep ${variable}`,
      `echo "$${variable}"`,
      `printf '%s\\n' "$${variable}"`,
    ];
    return {
      ...rest,
      login,
      env: { [variable]: value },
      discover: looks.map((command) => [command, ...follow]),
    };
  }
  const path = rng.pick([
    `${seat.home}/NOTICE`,
    `${seat.home}/README`,
    "/etc/notice",
    `${seat.home}/${noun.toUpperCase()}S`,
    "/srv/README",
    "/var/notice.txt",
  ]);
  const shown = seat.shown(path);
  const content =
    lead !== ""
      ? `${rng.pick([lead, `${capital(noun)}s\n\n${lead}`])}\n`
      : rng.pick([
          `Your ${noun}s are handed out by ${run}. It has --help.\n`,
          `${capital(noun)}s\n\nProgram: ${run}\nHow to use it: ${run} --help\n`,
          `Whoever sits here works by ${noun}s.\nThey come from ${run}; ask it with --help.\n`,
        ]);
  const file = { path, content };
  const folder = shown.slice(0, shown.lastIndexOf("/")) || "/";
  return {
    ...rest,
    login: `${greeting}, ${user}. ${rng.pick(["Read", "Start with", "See"])} ${shown}.\n`,
    fixtures: [file, ...rest.fixtures],
    discover: [
      [`cat ${shown}`, ...follow],
      [`ls ${folder}`, `cat ${shown}`, ...follow],
    ],
  };
}

function secondFile(seat: Seat, { run, noun }: Provider): { fixture: Fixture; shown: string } {
  const path = seat.rng.pick([
    `/etc/sek/${noun}s`,
    `${seat.home}/.sek/${noun}s.txt`,
    `/usr/local/share/sek/${noun}s`,
    `/opt/notes/${seat.user}.txt`,
  ]);
  const content = seat.rng.pick([
    `${capital(noun)}s come from ${run}. It explains itself: ${run} --help\n`,
    `program: ${run}\nhelp: ${run} --help\n`,
  ]);
  return { fixture: { path, content }, shown: seat.shown(path) };
}
