// The ways in which a provider is asked: each shape's part of the script, its words of help, and the commands that fit.

import type { Fixture } from "../../data/scenario.ts";
import type { ProviderShape } from "../taxonomy.ts";
import type { Seat } from "./seat.ts";
import { quote } from "./sh.ts";
import type { Work } from "./work.ts";

/** What a shape needs to know. */
export interface ProviderSetting {
  readonly seat: Seat;
  readonly name: string;
  readonly run: string;
  readonly noun: string;
  readonly directive: string | null;
  readonly parts: readonly string[];
  readonly answer: Work["answer"];
  /** Whether the ending is `exit`. */
  readonly solvable: boolean;
}

/** One way of asking. */
export interface Shape {
  /** Lines before the script looks at its arguments. */
  readonly preamble: readonly string[];
  /** Branches of `case "$1"`. */
  readonly cases: readonly string[];
  /** Usage line that says everything, without `usage: `. */
  readonly usage: string;
  /** Usage line that says nothing of how a directive is got, for programs with longer manuals. */
  readonly vague: string;
  /** Lines that explain it. */
  readonly details: readonly string[];
  readonly fetch: readonly (readonly string[])[];
  readonly wrong: readonly string[];
  readonly dirs: readonly { readonly path: string }[];
  readonly fixtures: readonly Fixture[];
  readonly done: string | undefined;
  readonly next: string | undefined;
  readonly checks: readonly string[];
  readonly request: string;
}

/** Makes the shape of that name.
 *  @param setting `directive` must not yet hold the shape's `request`; the script does. */
export function shapeOf(name: ProviderShape, setting: ProviderSetting): Shape {
  return { ...plain, ...makers[name](setting) };
}

const plain = {
  preamble: [],
  dirs: [],
  fixtures: [],
  done: undefined,
  next: undefined,
  checks: [],
  request: "",
} as const;

type Maker = (
  setting: ProviderSetting,
) => Partial<Shape> & Pick<Shape, "cases" | "usage" | "vague" | "details" | "fetch" | "wrong">;

/** Command lines that print the directive, or say why there is none. */
function serve({ name, directive, answer }: ProviderSetting, request = ""): string {
  if (directive !== null) return printed(`${directive}${request}`);
  const { words, status } = answer!;
  return status === 0 ? `echo ${quote(words)}` : `echo ${quote(`${name}: ${words}`)} >&2\nexit ${status}`;
}

function printed(text: string): string {
  return `cat <<'END_OF_TEXT'\n${text}\nEND_OF_TEXT`;
}

const option = (name: string): string => (name.length === 1 ? `-${name}` : `--${name}`);

const makers: Readonly<Record<ProviderShape, Maker>> = {
  flag(setting) {
    const { seat, run, name, noun } = setting;
    const [long, short] = seat.rng.pick([
      ["next", "n"],
      ["fetch", "f"],
      ["print", "p"],
      ["current", "c"],
      ["take", "t"],
      ["give", "g"],
      ["open", "o"],
    ] as const);
    const what = seat.rng.pick([`show the next ${noun}`, `print the current ${noun}`, `fetch your ${noun}`]);
    return {
      usage: `${name} [-${short}|--${long}] [-h|--help]`,
      vague: `${name} OPTION`,
      details: [`  -${short}, --${long}   ${what}`, "  -h, --help   this text"],
      cases: [`-${short}|--${long})\n${serve(setting)}\n;;`],
      fetch: [[`${run} --${long}`], [`${run} -${short}`]],
      wrong: [run, `${run} --${seat.rng.pick(["all", "list", "show"])}`, `${run} ${long}`],
    };
  },

  sub(setting) {
    const { seat, run, name, noun } = setting;
    const sub = seat.rng.pick(["next", "fetch", "read", "pull", "show", "print", "open"]);
    return {
      usage: `${name} COMMAND`,
      vague: `${name} COMMAND`,
      details: ["commands:", `  ${sub.padEnd(6)} print your ${noun}`, "  help   print this text"],
      cases: [`${sub})\n${serve(setting)}\n;;`],
      fetch: [[`${run} ${sub}`]],
      wrong: [run, `${run} --${sub}`, `${run} get`],
    };
  },

  list_show(setting) {
    const { seat, run, name, noun, directive } = setting;
    const id = seat.rng.chance(0.5)
      ? String(seat.rng.int(2, 97))
      : `${seat.rng.pick(["a", "b", "k", "x"])}${seat.rng.int(10, 99)}`;
    const [list, show] = seat.rng.pick([
      ["list", "show"],
      ["ls", "cat"],
      ["ids", "get"],
      ["index", "open"],
    ] as const);
    const unknown = `echo "${name}: no such id: $2" >&2\nexit 1`;
    const none = directive === null;
    return {
      usage: `${name} ${list} | ${name} ${show} ID`,
      vague: `${name} COMMAND [ID]`,
      details: [
        `${list}: print the ids of your ${noun}s, one a line`,
        `${show}: print the ${noun} with that id`,
      ],
      cases: none
        ? [`${list})\n${serve(setting)}\n;;`, `${show})\n${unknown}\n;;`]
        : [
            `${list}) echo ${id} ;;`,
            `${show}) if [ "$2" = ${id} ]; then\n${serve(setting)}\nelse\n${unknown}\nfi ;;`,
          ],
      fetch: none ? [[`${run} ${list}`]] : [[`${run} ${list}`, `${run} ${show} ${id}`]],
      wrong: [run, none ? `${run} all` : `${run} show-all`, `${run} --${list}`],
    };
  },

  numbered(setting) {
    const { run, name, noun, directive, answer } = setting;
    const count = directive === null && answer!.status === 0 ? 0 : 1;
    const body =
      count === 0
        ? serve(setting)
        : `if [ "$1" = 1 ]; then\n${serve(setting)}\nelse\necho "${name}: there is no number $1" >&2\nexit 1\nfi`;
    return {
      usage: `${name} N`,
      vague: `${name} ARGUMENT`,
      details: [`Prints ${noun} number N. Counting starts at 1; you have ${count}.`],
      cases: [`[0-9]*)\n${body}\n;;`],
      fetch: [[`${run} 1`]],
      wrong: [run, `${run} first`, `${run} next`],
    };
  },

  named(setting) {
    const { seat, run, name, noun } = setting;
    const long = seat.rng.pick(["for", "user", "operator", "seat"]);
    return {
      usage: `${name} --${long} NAME`,
      vague: `${name} OPTION NAME`,
      details: [`Shows the ${noun}s of NAME, a login name.`, `Without --${long} it shows nothing.`],
      cases: [
        `--${long}) if [ "$2" = ${seat.user} ]; then\n${serve(setting)}\nelse\necho "${name}: no ${noun}s for '$2'" >&2\nexit 1\nfi ;;`,
      ],
      fetch: [
        [`${run} --${long} ${seat.user}`],
        [`${run} --${long} $USER`],
        [`${run} --${long} "$(whoami)"`],
      ],
      wrong: [run, `${run} ${seat.user}`, `${run} --${long === "user" ? "name" : "login"} ${seat.user}`],
    };
  },

  ack(setting) {
    const { seat, run, name, noun, directive, parts, solvable } = setting;
    const [next, done] = seat.rng.pick([
      ["next", "done"],
      ["current", "finish"],
      ["read", "ack"],
      ["take", "close"],
    ] as const);
    const state = `/var/lib/${name}`;
    const more = parts.length > 1;
    const demanded = solvable && directive !== null && !more;
    const request = demanded
      ? seat.rng.pick([
          ` When it is done, say so: ${run} ${done}.`,
          ` Then report it with '${run} ${done}'.`,
          ` At the end run ${run} ${done}.`,
        ])
      : "";
    const said = `printf '%s' "$at" > ${state}/finished`;
    const texts = more ? parts.map((part, i) => `${i}) ${printed(part)}\n;;`) : [];
    const bodies = more
      ? [
          `${next}) case "$at" in\n${texts.join("\n")}\n*) echo 'no more ${noun}s' ;;\nesac ;;`,
          `${done}) [ "$at" -lt ${parts.length} ] && at=$((at + 1))\n${said}\necho "${noun} $at of ${parts.length} closed" ;;`,
        ]
      : [
          `${next})\n${serve(setting, request)}\n;;`,
          `${done}) ${directive === null ? `echo '${name}: nothing to close' >&2; exit 1` : `at=1\n${said}\necho 'thank you'`} ;;`,
        ];
    return {
      preamble: [`at=$(cat ${state}/finished 2>/dev/null || echo 0)`],
      usage: `${name} ${next} | ${name} ${done}`,
      vague: `${name} COMMAND`,
      details: [
        `${next.padEnd(7)} print the ${noun} that is open`,
        `${done.padEnd(7)} say that the open ${noun} is finished${more ? "; another may follow" : ""}`,
      ],
      cases: bodies,
      fetch: [[`${run} ${next}`]],
      wrong: [run, `${run} --${next}`, `${run} status`],
      dirs: [{ path: state }],
      done: `${run} ${done}`,
      next: `${run} ${next}`,
      checks: demanded
        ? [`[ "$(cat ${state}/finished)" = 1 ]`]
        : solvable
          ? []
          : [`[ ! -e ${state}/finished ]`],
      request,
    };
  },

  config(setting) {
    const { seat, run, name, noun } = setting;
    const long = seat.rng.pick(["c", "config", "settings", "f"]);
    const file = seat.rng.pick([
      `${seat.home}/.${name}.conf`,
      `/etc/${name}.conf`,
      `${seat.home}/.config/${name}`,
    ]);
    const shown = seat.shown(file);
    const key = seat.rng.int(1000, 9999);
    return {
      usage: `${name} ${option(long)} FILE`,
      vague: `${name} OPTION FILE`,
      details: [`Prints your ${noun}. FILE holds the settings of your seat; they are in ${shown}.`],
      cases: [
        `${option(long)}) if grep -q '^seat=${key}$' "$2" 2>/dev/null; then\n${serve(setting)}\nelse\necho "${name}: '$2' holds no settings of a seat" >&2\nexit 1\nfi ;;`,
      ],
      fetch: [[`${run} ${option(long)} ${shown}`], [`${run} ${option(long)} ${file}`]],
      wrong: [run, `${run} ${shown}`, `${run} show`],
      fixtures: [{ path: file, content: `# settings of ${seat.user}\nseat=${key}\nlanguage=en\n` }],
    };
  },

  variable(setting) {
    const { seat, run, name, noun } = setting;
    const variable = seat.rng.pick(["SEAT", "OPERATOR", "ORDER_FOR", "WHO", "FOR_USER"]);
    const say = (value: string): string => `${variable}=${value} ${run}`;
    return {
      usage: `${name}, with the variable ${variable} set to NAME`,
      vague: `${name} (set up by variables)`,
      details: [`Prints the ${noun} of NAME, a login name.`, "It has no arguments but --help."],
      cases: [
        `"") if [ "$${variable}" = ${seat.user} ]; then\n${serve(setting)}\nelif [ -n "$${variable}" ]; then\necho "${name}: no ${noun}s for '$${variable}'" >&2\nexit 1\nelse\necho '${name}: ${variable} is not set' >&2\necho 'try: ${run} --help' >&2\nexit 2\nfi ;;`,
      ],
      fetch: [[say(seat.user)], [`export ${variable}=${seat.user}`, run], [say("$USER")]],
      wrong: [run, `${run} ${seat.user}`, `${run} show`],
    };
  },

  stdin(setting) {
    const { seat, run, name, noun } = setting;
    return {
      usage: `${name} -`,
      vague: `${name} ARGUMENT`,
      details: [`Reads a login name from standard input and prints the ${noun} of that operator.`],
      cases: [
        `-) read -r who\nif [ "$who" = ${seat.user} ]; then\n${serve(setting)}\nelse\necho "${name}: no ${noun}s for '$who'" >&2\nexit 1\nfi ;;`,
      ],
      fetch: [[`echo ${seat.user} | ${run} -`], [`whoami | ${run} -`], [`echo $USER | ${run} -`]],
      wrong: [run, `${run} ${seat.user}`, `echo ${seat.user} | ${run}`],
    };
  },

  deliver(setting) {
    const { seat, run, name, noun, directive } = setting;
    const sub = seat.rng.pick(["pull", "deliver", "collect", "drop"]);
    const folder = `/var/spool/${name}`;
    const file = `${folder}/${seat.rng.int(10, 99)}.txt`;
    const none = directive === null;
    return {
      usage: `${name} ${sub}`,
      vague: `${name} COMMAND`,
      details: [`${sub}: puts your ${noun} into a file and prints the name of that file`],
      cases: [
        none
          ? `${sub})\n${serve(setting)}\n;;`
          : `${sub})\n{ ${serve(setting)}\n} > ${file} && echo ${file} ;;`,
      ],
      fetch: none ? [[`${run} ${sub}`]] : [[`${run} ${sub}`, `cat ${file}`]],
      wrong: [run, `${run} --${sub}`, `${run} show`],
      dirs: [{ path: folder }],
    };
  },
};
