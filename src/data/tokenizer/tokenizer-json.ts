// The parts of a tokenizer.json that sekft reads. Owns the shape; the meaning is in the file named after each part.

/** Where a literal or a regular expression is accepted. */
export interface PatternJson {
  readonly String?: string;
  readonly Regex?: string;
}

/** One stage of a normalizer, pre-tokenizer, post-processor or decoder: `type` says which other fields matter. */
export interface StageJson {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** An entry of `added_tokens`: text that is one token whatever surrounds it. */
export interface AddedTokenJson {
  readonly id: number;
  readonly content: string;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
  readonly normalized?: boolean;
  readonly special?: boolean;
}

/** `model` of a byte-pair-encoding tokenizer. */
export interface BpeJson {
  readonly type?: string;
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly (string | readonly [string, string])[];
  readonly unk_token?: string | null;
  readonly byte_fallback?: boolean;
  readonly fuse_unk?: boolean;
  readonly ignore_merges?: boolean;
  readonly continuing_subword_prefix?: string | null;
  readonly end_of_word_suffix?: string | null;
}

/** A whole tokenizer.json (Hugging Face tokenizers 0.2x, version 1.0). */
export interface TokenizerJson {
  readonly added_tokens?: readonly AddedTokenJson[] | null;
  readonly normalizer?: StageJson | null;
  readonly pre_tokenizer?: StageJson | null;
  readonly post_processor?: StageJson | null;
  readonly decoder?: StageJson | null;
  readonly model: BpeJson;
}
