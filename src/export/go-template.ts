// A turn format as a Go text/template over Ollama's `.Messages`. Go's templates have no trim and no error function: the first
// is a recursive definition here, the second a call of a text, which stops the rendering and names the text.

import type { AlternatingFormat, FreeFormat, Trim, TurnFormat } from "./turn-format.ts";

/** The template; `renderTurns` of the same format writes the same text. */
export function goTemplate(format: TurnFormat): string {
  const used = new Set<Trim>(Object.values(format.trim));
  const body = format.kind === "free" ? freeTemplate(format) : alternatingTemplate(format);
  return definitions(used) + body;
}

/** Literal text of a template. */
function literal(text: string): string {
  return text.replaceAll("{{", '{{ "{{" }}');
}

/** A Go string constant. */
function quoted(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const names = { both: "trim", left: "ltrim", right: "rtrim" } as const;

/** Writes the value of `what`, trimmed. */
function put(what: string, trim: Trim): string {
  return trim === "none" ? `{{ ${what} }}` : `{{ template "${names[trim]}" ${what} }}`;
}

function stop(message: string): string {
  return `{{ call ${quoted(message)} }}`;
}

/** `yes` or `no`, whichever the condition says; shorter where they are equal. */
function choose(condition: string, yes: string, no: string): string {
  if (yes === no) return literal(yes);
  const otherwise = no === "" ? "" : `{{ else }}${literal(no)}`;
  return `{{ if ${condition} }}${literal(yes)}${otherwise}{{ end }}`;
}

const unknownRole = stop("only system, user and assistant turns can be written");

function freeTemplate({ head, firstSystem, around, generation, trim }: FreeFormat): string {
  const turn = (role: "user" | "assistant") =>
    `${literal(around[role][0])}${put(".Content", trim[role])}${literal(around[role][1])}`;
  const system =
    choose("eq $i 0", firstSystem[0], around.system[0]) +
    put(".Content", trim.system) +
    choose("eq $i 0", firstSystem[1], around.system[1]);
  const before = head === "" ? "" : `{{ if and (eq $i 0) (ne .Role "system") }}${literal(head)}{{ end }}`;
  return (
    `{{ range $i, $m := .Messages }}${before}` +
    `{{ if eq .Role "system" }}${system}` +
    `{{ else if eq .Role "user" }}${turn("user")}` +
    `{{ else if eq .Role "assistant" }}${turn("assistant")}` +
    `{{ else }}${unknownRole}{{ end }}{{ end }}${literal(generation)}`
  );
}

function alternatingTemplate(format: AlternatingFormat): string {
  const { head, toAssistant, toUser, afterUser, afterAssistant, trim } = format;
  const join = choose('eq $before ""', head, toUser);
  const order = stop("user and assistant turns must alternate, a user turn first");
  return (
    `{{ $before := "" }}{{ $said := false }}{{ $system := "" }}` +
    `{{ range $i, $m := .Messages }}` +
    `{{ if eq .Role "system" }}{{ if ne $i 0 }}${stop("a system turn can only come first")}{{ end }}` +
    `{{ $said = true }}{{ $system = .Content }}` +
    `{{ else if eq .Role "user" }}{{ if eq $before "user" }}${order}{{ end }}` +
    `${userTurn(format, join)}{{ $before = "user" }}` +
    `{{ else if eq .Role "assistant" }}{{ if ne $before "user" }}${order}{{ end }}` +
    `${literal(toAssistant)}${put(".Content", trim.assistant)}{{ $before = "assistant" }}` +
    `{{ else }}${unknownRole}{{ end }}{{ end }}` +
    choose('eq $before "assistant"', afterAssistant, afterUser)
  );
}

function userTurn({ system, trim }: AlternatingFormat, join: string): string {
  const plain = join + put(".Content", trim.user);
  const said = put("$system", trim.system);
  const content = put(".Content", trim.userAfterSystem);
  if (system.place === "first")
    return `{{ if and $said (eq $before "") }}${literal(system.before)}${said}${literal(system.between)}${content}{{ else }}${plain}{{ end }}`;
  if (system.place === "last") {
    const first = 'eq $before ""';
    const [before, between] = [0, 1].map((i) => choose(first, system.alone[i]!, system.later[i]!));
    return `{{ if and $said (eq (len (slice $.Messages $i)) 1) }}${before}${said}${between}${content}{{ else }}${plain}{{ end }}`;
  }
  // sekft's own rule before training: one line break between the two, none where there is one already.
  const folded =
    `{{ if not $text }}{{ $text = $system }}` +
    `{{ else if $system }}{{ if eq (slice $system (len (slice $system 1))) "\\n" }}{{ $text = print $system $text }}` +
    `{{ else }}{{ $text = print $system "\\n" $text }}{{ end }}{{ end }}`;
  return `${join}{{ $text := .Content }}{{ if and $said (eq $before "") }}${folded}{{ end }}${put("$text", trim.user)}`;
}

/** Python's white space by the number of its bytes in UTF-8. */
const spaces: readonly (readonly [number, readonly string[]])[] = [
  [1, [..." \t\n\v\f\r\u001c\u001d\u001e\u001f"]],
  [2, [..."\u0085\u00a0"]],
  [
    3,
    [
      ..."\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
    ],
  ],
];

/** Recursive definitions of `trim`, `ltrim` and `rtrim`: `len (slice . 1)` is one less than `len .`, as there is no subtraction. */
function definitions(used: ReadonlySet<Trim>): string {
  const define = (name: string, cases: (bytes: number) => readonly [string, string], end: string) => {
    const branches = spaces.map(([bytes, characters], i) => {
      const [edge, rest] = cases(bytes);
      return `{{ ${i === 0 ? "" : "else "}if and (ge (len .) ${bytes}) (eq (${edge}) ${characters.map(quoted).join(" ")}) }}{{ template "${name}" (${rest}) }}`;
    });
    return `{{ define "${name}" }}${branches.join("")}{{ else }}${end}{{ end }}{{ end }}`;
  };
  const left = (name: string, end: string) =>
    define(name, (bytes) => [`slice . 0 ${bytes}`, `slice . ${bytes}`], end);
  const right = () =>
    define("rtrim", (n) => [`slice . (len (slice . ${n}))`, `slice . 0 (len (slice . ${n}))`], "{{ . }}");
  return (
    (used.has("both") || used.has("right") ? right() : "") +
    (used.has("both") ? left("trim", '{{ template "rtrim" . }}') : "") +
    (used.has("left") ? left("ltrim", "{{ . }}") : "")
  );
}
