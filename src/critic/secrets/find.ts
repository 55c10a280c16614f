// Finds keys and passwords in a text, and leaves alone what only stands for one.

import { createHash } from "node:crypto";
import type { SecretRule } from "./rule.ts";
import { SECRET_RULES } from "./rules.ts";

/** A secret, told without saying it. */
export interface FoundSecret {
  readonly rule: string;
  /** Counted from 1. */
  readonly line: number;
  /** Its first characters and its length. */
  readonly shown: string;
  /** SHA-256, hex; a list of these allows fakes. */
  readonly sha256: string;
}

/** Words that no real secret has; a value with one of them stands for a secret. */
const STANDS_FOR =
  /example|sample|dummy|fake|placeholder|change[-_]?(?:me|this|it)|your[-_]|[-_]here\b|xxxx|\*\*\*|\.\.\.|redacted|insert|replace|todo|not[-_]?a[-_]?(?:real|secret)|foobar|deadbeef|abcdefgh|12345678|00000000|password$|^(?:my)?(?:secret|passw(?:or)?d|pass|token|key|test|none|null|true|false|undefined|string|required|optional)\d*!?$|lorem|hunter2|correct-?horse/i;

/** A value that is looked up when the program runs. */
const LOOKED_UP =
  /^(?:process\.env|os\.environ|os\.getenv|getenv|env\.|env\[|config\.|settings\.|self\.|this\.|args\.|options\.|params\.|req\.|request\.|\$|%|<|\{\{|@|--|\/|\.\/|https?:)|^(?:[a-z_]+\.)+[a-z_]+$|\(\)?$|^[a-z]+(?:[A-Z][a-z]+)+$|^[a-z]+(?:_[a-z0-9]+)+$|^[a-z]+(?:-[a-z]+)+$|^[A-Z]+(?:_[A-Z]+)+$/;

/** Words and numbers that are joined, as names are and random characters are not. */
const WORDS =
  /^(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+)(?:[_-](?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+|v?\d{1,4}))*$/;

/** Fakes that documentation prints and that no word gives away, by hash: the token that jwt.io shows. */
const DOCUMENTED: ReadonlySet<string> = new Set([
  "7f75367e7881255134e1375e723d1dea8ad5f6a4fdb79d938df1f1754a830606",
]);

/** Every secret in `text` that `allowed` (SHA-256, hex) does not have; at most one for each place. */
export function findSecrets(text: string, allowed: ReadonlySet<string> = new Set()): FoundSecret[] {
  const lower = text.toLowerCase();
  const found: (FoundSecret & { readonly from: number; readonly to: number })[] = [];
  for (const rule of SECRET_RULES) {
    if (rule.keywords.length > 0 && !rule.keywords.some((word) => lower.includes(word))) continue;
    for (const match of text.matchAll(rule.pattern)) {
      const secret = match.slice(1).find((group) => group !== undefined) ?? match[0];
      const from = match.index + match[0].indexOf(secret);
      const to = from + secret.length;
      if (!isSecret(rule, secret, text, match.index) || found.some((one) => from < one.to && one.from < to))
        continue;
      const sha256 = createHash("sha256").update(secret).digest("hex");
      if (allowed.has(sha256) || DOCUMENTED.has(sha256)) continue;
      const line = text.slice(0, from).split("\n").length;
      found.push({ rule: rule.id, line, shown: shown(secret), sha256, from, to });
    }
  }
  return found
    .toSorted((a, b) => a.from - b.from)
    .map(({ rule, line, shown: text, sha256 }) => ({ rule, line, shown: text, sha256 }));
}

function isSecret(rule: SecretRule, secret: string, text: string, at: number): boolean {
  if (rule.entropy !== undefined && entropy(secret) < rule.entropy) return false;
  const isKeyBlock = rule.id === "private-key";
  if (STANDS_FOR.test(isKeyBlock ? secret.replace(/-----[^-]+-----/g, "") : secret)) return false;
  if (isKeyBlock) return /[A-Za-z0-9+/=]{40}/.test(secret);
  if (rule.named) return !WORDS.test(secret) && !isPath(secret);
  // What stands in the file is the base64 of what could be a word.
  if (rule.id === "kubernetes-secret-yaml")
    return !STANDS_FOR.test(Buffer.from(secret, "base64").toString("latin1"));
  if (!/^(?:generic|aws-secret|password-in|authorization|curl)/.test(rule.id)) return true;
  if (LOOKED_UP.test(secret)) return false;
  if (rule.id === "password-in-url") return !/^[{$<%]/.test(secret);
  if (rule.id === "generic-api-key") return /\d/.test(secret) && /[A-Za-z]/.test(secret) && !isPath(secret);
  if (rule.id !== "generic-password") return true;
  // A password is a text that is given: quoted, or a setting's whole line.
  const quoted = /["'`]/.test(text[text.indexOf(secret, at) - 1] ?? "");
  return /\d|[^A-Za-z0-9_]/.test(secret) && (quoted || /\d/.test(secret)) && !isPath(secret);
}

function isPath(secret: string): boolean {
  return /^[\w.-]*\/[\w./-]*$/.test(secret) && !/[A-Z].*\d|\d.*[A-Z]/.test(secret);
}

function shown(secret: string): string {
  const head = secret.startsWith("-----") ? "-----BEGIN" : secret.slice(0, 4);
  return `${head}... (${secret.length} characters)`;
}

/** Shannon's entropy of the characters, bits a character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let sum = 0;
  for (const count of counts.values()) sum -= (count / text.length) * Math.log2(count / text.length);
  return sum;
}
