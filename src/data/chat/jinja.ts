// Chat templates as transformers renders them, on @huggingface/jinja's parser and interpreter.
// Owns where the library and Jinja2 differ: undefined attributes raise, strip and trim are Python's.

import { Environment, Interpreter, parse, tokenize } from "@huggingface/jinja";

type Program = ReturnType<typeof parse>;
type Node = Parameters<Interpreter["evaluate"]>[0];
type Scope = Parameters<Interpreter["evaluate"]>[1];
type Value = ReturnType<Interpreter["evaluate"]>;

/** Parses a template with transformers' settings (trim_blocks, lstrip_blocks). Throws a plain Error on bad syntax. */
export function parseTemplate(source: string): Program {
  return parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
}

/** Interpreter with Jinja2's word where the library's differs. */
class FaithfulInterpreter extends Interpreter {
  override evaluate(statement: Node, environment: Scope): Value {
    switch (statement?.type) {
      case "MemberExpression":
        this.refuseUndefined(statement as unknown as Member, environment);
        break;
      case "CallExpression":
        return this.strip(statement, environment) ?? super.evaluate(statement, environment);
      case "FilterExpression":
        return this.trim(statement, environment) ?? super.evaluate(statement, environment);
    }
    return super.evaluate(statement, environment);
  }

  /** Jinja2 raises where a member of something undefined is read (`messages[0].role` of no messages). */
  private refuseUndefined({ object }: Member, environment: Scope): void {
    if (object?.type === "MemberExpression" && super.evaluate(object, environment).type === "UndefinedValue")
      throw new Error("the template reads a member of something that is not there");
  }

  /** Python's strip, lstrip and rstrip take the characters to strip, and know Python's white space. */
  private strip(statement: Node, environment: Scope): Value | undefined {
    const { callee, args } = statement as unknown as { callee: Node & Member; args: readonly Node[] };
    const method =
      callee.type === "MemberExpression" && !callee.computed ? String(callee.property.value) : "";
    const sides = SIDES[method];
    if (sides === undefined || args.length > 1) return undefined;
    const object = this.evaluate(callee.object, environment);
    const characters = args[0] === undefined ? undefined : this.evaluate(args[0], environment).value;
    if (object.type !== "StringValue" || (characters !== undefined && typeof characters !== "string"))
      return undefined;
    return sameKind(object, pythonStrip(String(object.value), sides, characters));
  }

  private trim(statement: Node, environment: Scope): Value | undefined {
    const { operand, filter } = statement as unknown as { operand: Node; filter: Node & { value: unknown } };
    if (filter.type !== "Identifier" || filter.value !== "trim") return undefined;
    const object = this.evaluate(operand, environment);
    return object.type === "StringValue" ? sameKind(object, pythonStrip(String(object.value))) : undefined;
  }
}

interface Member {
  readonly object: Node;
  readonly property: { readonly value: unknown };
  readonly computed: boolean;
}

const SIDES: Readonly<Record<string, "both" | "left" | "right">> = {
  strip: "both",
  lstrip: "left",
  rstrip: "right",
};

/** The library exports no value classes: a new string is made by the class of an old one. */
function sameKind(like: Value, text: string): Value {
  return new (like.constructor as new (text: string) => Value)(text);
}

/** Python's white space; JavaScript's `trim` takes U+FEFF away and leaves U+001C-001F and U+0085. */
const PYTHON_SPACE =
  "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000";

const PYTHON_SPACES = new Set(PYTHON_SPACE);

/** Python's str.strip, of white space or of the given characters. */
export function pythonStrip(
  text: string,
  sides: "both" | "left" | "right" = "both",
  characters = PYTHON_SPACE,
): string {
  const set = characters === PYTHON_SPACE ? PYTHON_SPACES : new Set(characters);
  if (!set.has(text.charAt(0)) && !set.has(text.at(-1) ?? "")) return text;
  const all = [...text];
  let from = 0;
  let to = all.length;
  if (sides !== "right") while (from < to && set.has(all[from]!)) from++;
  if (sides !== "left") while (to > from && set.has(all[to - 1]!)) to--;
  return from === 0 && to === all.length ? text : all.slice(from, to).join("");
}

/** Renders a parsed template. Throws a plain Error with the template's own message when it raises.
 *  @param now what `strftime_now` formats. */
export function renderTemplate(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  now: Date,
): string {
  const scope = new Environment();
  for (const name of ["true", "True"]) scope.set(name, true);
  for (const name of ["false", "False"]) scope.set(name, false);
  for (const name of ["none", "None"]) scope.set(name, null);
  scope.set("range", range);
  scope.set("raise_exception", (message: string) => {
    throw new Error(message);
  });
  scope.set("strftime_now", (format: string) => strftime(now, format));
  for (const [name, value] of Object.entries(variables)) scope.set(name, value);
  return String(new FaithfulInterpreter(scope).run(program).value);
}

function range(first: number, second?: number, step = 1): number[] {
  const [from, to] = second === undefined ? [0, first] : [first, second];
  const out: number[] = [];
  if (step > 0) for (let i = from; i < to; i += step) out.push(i);
  if (step < 0) for (let i = from; i > to; i += step) out.push(i);
  return out;
}

const two = (n: number) => String(n).padStart(2, "0");

function strftime(now: Date, format: string): string {
  const month = (length: "long" | "short") => now.toLocaleString("en-US", { month: length });
  const day = (length: "long" | "short") => now.toLocaleString("en-US", { weekday: length });
  return format.replace(/%([a-zA-Z%])/g, (whole, letter: string) => {
    switch (letter) {
      case "Y":
        return String(now.getFullYear());
      case "y":
        return two(now.getFullYear() % 100);
      case "m":
        return two(now.getMonth() + 1);
      case "d":
        return two(now.getDate());
      case "H":
        return two(now.getHours());
      case "I":
        return two(now.getHours() % 12 || 12);
      case "M":
        return two(now.getMinutes());
      case "S":
        return two(now.getSeconds());
      case "p":
        return now.getHours() < 12 ? "AM" : "PM";
      case "b":
        return month("short");
      case "B":
        return month("long");
      case "a":
        return day("short");
      case "A":
        return day("long");
      case "%":
        return "%";
      default:
        return whole;
    }
  });
}
