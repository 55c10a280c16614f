// Fields of a JSON request: each is asked for by name and type, and what nobody asked for is refused by name.

import { closest, show } from "../base/errors.ts";
import { isFields, kindOf } from "../data/turn-checks.ts";
import { ApiError } from "./api-error.ts";

/** Bounds of a number, both included. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A JSON object as a client sent it. null counts as absent, as in OpenAI's own service. */
export class RequestFields {
  private readonly asked = new Set<string>();

  constructor(
    private readonly values: Readonly<Record<string, unknown>>,
    /** Where the object stands in the request, e.g. `stream_options`. */
    private readonly path = "",
  ) {}

  /** A value of any type; undefined when absent. */
  any(name: string): unknown {
    this.asked.add(name);
    return this.values[name] ?? undefined;
  }

  string(name: string): string | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw this.wrong(name, "a string", value);
    if (!value.isWellFormed()) throw this.error(name, "expected Unicode text, got a lone surrogate");
    return value;
  }

  /** A string that must be there. */
  required(name: string): string {
    const value = this.string(name);
    if (value === undefined || value === "") throw this.error(name, "expected a string, got nothing");
    return value;
  }

  boolean(name: string): boolean | undefined {
    const value = this.any(name);
    if (value !== undefined && typeof value !== "boolean") throw this.wrong(name, "true or false", value);
    return value;
  }

  number(name: string, { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY }: Bounds = {}) {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number") throw this.wrong(name, "a number", value);
    if (!(value >= min && value <= max))
      throw this.error(name, `expected a number ${range(min, max)}, got ${show(value)}`);
    return value;
  }

  integer(name: string, { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number") throw this.wrong(name, "a whole number", value);
    if (!Number.isInteger(value) || value < min || value > max)
      throw this.error(name, `expected a whole number ${range(min, max)}, got ${show(value)}`);
    return value;
  }

  array(name: string): readonly unknown[] | undefined {
    const value = this.any(name);
    if (value !== undefined && !Array.isArray(value)) throw this.wrong(name, "an array", value);
    return value;
  }

  object(name: string): RequestFields | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    if (!isFields(value)) throw this.wrong(name, "an object", value);
    return new RequestFields(value, this.place(name));
  }

  /** One string or a list of strings. */
  strings(name: string, most: number): string[] | undefined {
    const value = this.any(name);
    if (value === undefined) return undefined;
    const list = Array.isArray(value) ? value : [value];
    if (list.length > most) throw this.error(name, `expected at most ${most} strings, got ${list.length}`);
    for (const item of list) {
      if (typeof item !== "string") throw this.wrong(name, "a string or a list of strings", item);
      if (item === "" || !item.isWellFormed()) throw this.error(name, `expected text, got ${show(item)}`);
    }
    return list;
  }

  /** Names of the fields that are not null. */
  get present(): string[] {
    return Object.keys(this.values).filter((name) => (this.values[name] ?? undefined) !== undefined);
  }

  /** A failure about one field. */
  error(name: string, complaint: string, code = "invalid_value"): ApiError {
    const param = this.place(name);
    return new ApiError(400, `${param}: ${complaint}`, { param, code });
  }

  /** Refuses what nobody asked for.
   *  @param known names that other requests of this kind may have, for a suggestion. */
  refuseRest(known: readonly string[] = []): void {
    for (const name of this.present) {
      if (this.asked.has(name)) continue;
      const near = closest(name, [...this.asked, ...known]);
      const suggestion = near === undefined ? "" : `; did you mean ${near}?`;
      throw this.error(name.slice(0, 80), `unrecognized request argument${suggestion}`, "unknown_parameter");
    }
  }

  private wrong(name: string, expected: string, value: unknown): ApiError {
    return this.error(name, `expected ${expected}, got ${kindOf(value)}`, "invalid_type");
  }

  private place(name: string): string {
    return this.path === "" ? name : `${this.path}.${name}`;
  }
}

function range(min: number, max: number): string {
  if (max >= Number.MAX_SAFE_INTEGER) return `of at least ${min}`;
  return min <= Number.MIN_SAFE_INTEGER ? `of at most ${max}` : `from ${min} to ${max}`;
}
