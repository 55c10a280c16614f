// What a rule for secrets is, and the two shapes that most of them have.

/** A kind of secret. */
export interface SecretRule {
  readonly id: string;
  /** The first group that took part is the secret, or else the whole match. */
  readonly pattern: RegExp;
  /** Lower case; one of them must be in the text before the pattern is tried. None: always. */
  readonly keywords: readonly string[];
  /** Least Shannon entropy of the secret, bits a character. */
  readonly entropy?: number;
  /** The name it is given to says what it is, the value alone could be any word: it must not read like one. */
  readonly named?: true;
}

/** A token that begins with a mark of its own; nothing of a word may touch it. */
export const marked = (
  id: string,
  mark: string,
  body: string,
  entropy = 3,
  keywords: readonly string[] = beginnings(mark),
): SecretRule => ({
  id,
  pattern: new RegExp(`(?<![A-Za-z0-9_-])(${mark}${body})(?![A-Za-z0-9_-])`, "g"),
  keywords,
  entropy,
});

/** `name_of_service... = "value"`, where the value alone says nothing. */
export const assigned = (
  id: string,
  keywords: readonly string[],
  name: string,
  value: string,
  entropy = 3,
): SecretRule => ({
  id,
  pattern: new RegExp(
    `(?:${name})(?:[\\w .\\t-]{0,20})["'\`\\s]{0,3}(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\s"'\`=]{0,5}(${value})(?=["'\`\\s;,)\\]}<\\\\]|$)`,
    "gi",
  ),
  keywords,
  entropy,
});

/** The plain texts that a mark can begin with, in lower case; none when it begins with a class. */
function beginnings(mark: string): string[] {
  let heads = [""];
  const part = /\(\?:([\w.|\\-]*)\)(?![?*+{])|(\\\.|[\w-])(?![?*+{])/gy;
  for (const [, choice, plain] of mark.matchAll(part)) {
    if (/\\[^.]/.test(choice ?? "")) break;
    const ends = (choice ?? plain ?? "").replaceAll("\\.", ".").toLowerCase().split("|");
    heads = heads.flatMap((head) => ends.map((end) => head + end));
  }
  return heads.filter((head) => head.length > 0);
}
