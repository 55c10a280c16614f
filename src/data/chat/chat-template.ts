// The second half of the render contract: the base's own chat template, and where each turn's text lies in what it writes.

import { show, UserError } from "../../base/errors.ts";
import { refuse } from "../refused.ts";
import { onlyCopiesContent } from "./content-use.ts";
import { parseTemplate, pythonStrip, renderTemplate } from "./jinja.ts";

/** What a template is given of a turn. */
export interface TemplateTurn {
  readonly role: string;
  readonly content: string;
}

/** Where an assistant turn's content lies, in UTF-16 code units. */
export interface ContentSpan {
  /** Index of the turn. */
  readonly turn: number;
  readonly start: number;
  readonly end: number;
  /** The template's own text behind the content, up to the next assistant turn's content. */
  readonly after: string;
}

/** A conversation as text. */
export interface Rendered {
  readonly text: string;
  readonly spans: readonly ContentSpan[];
}

/** Literal text, then a turn's content, then the next literal ...; the last one has no turn. */
type Skeleton = readonly { readonly literal: string; readonly turn: number; readonly trimmed: boolean }[];

const GENERATION = /\{%(-?)\s*(end)?generation\s*(-?)%\}/g;
const OPEN = "\ue010generation\ue011";
const CLOSE = "\ue010endgeneration\ue011";
// U+2005 is white space to `trim` and in no template: whether it comes back says whether the content was trimmed.
const SKELETON_SENTINEL = /(\u2005?)\ue000turn(\d+)\ue001\u2005?/g;
const SKELETON_LIMIT = 20_000;
/** Conversations for which a reused text is compared with a full render before it is trusted. */
const SELF_CHECKS = 4;

/** A chat template with the variables of its tokenizer. */
export class ChatTemplate {
  /** The template has `{% generation %}` markers. */
  readonly hasGenerationMarkers: boolean;
  private readonly program: ReturnType<typeof parseTemplate>;
  private readonly marked: ReturnType<typeof parseTemplate> | undefined;
  private readonly skeletons: Map<string, Skeleton> | undefined;
  private checked = 0;

  /** @param variables bos_token, eos_token ... as the template sees them.
   *  @param now what `strftime_now` says.
   *  @throws UserError when the template cannot be parsed. */
  constructor(
    readonly source: string,
    private readonly variables: Readonly<Record<string, string>>,
    file: string,
    private readonly now = new Date(),
  ) {
    this.hasGenerationMarkers = source.search(GENERATION) >= 0;
    try {
      this.program = parseTemplate(source);
      this.marked = this.hasGenerationMarkers ? parseTemplate(markGeneration(source)) : undefined;
    } catch (cause) {
      throw new UserError(`${file}: expected a chat template that parses, got ${(cause as Error).message}`, {
        hint: "the template is Jinja, as transformers renders it; --chat-template FILE takes another one",
        cause,
      });
    }
    this.skeletons = onlyCopiesContent(this.program) ? new Map() : undefined;
  }

  /** The text of a conversation; with `addGenerationPrompt` the one that a server continues.
   *  @throws RefusedError `template_error` with the template's own message. */
  render(turns: readonly TemplateTurn[], addGenerationPrompt: boolean): string {
    const skeleton = this.skeleton(turns, addGenerationPrompt);
    return skeleton === undefined ? this.interpret(turns, addGenerationPrompt) : fill(skeleton, turns).text;
  }

  /** The text of a finished conversation, with the place of each assistant turn's content.
   *  @throws RefusedError `template_error`, or `content_changed` when a content is not in the text as it was given. */
  renderWithSpans(turns: readonly TemplateTurn[]): Rendered {
    const skeleton = this.skeleton(turns, false);
    return skeleton === undefined ? this.search(turns) : fill(skeleton, turns);
  }

  /** Stretches inside `{% generation %}` markers, in UTF-16 code units of `text`; undefined without markers.
   *  @throws RefusedError when the markers change the text. */
  generationSpans(
    turns: readonly TemplateTurn[],
    text: string,
  ): { start: number; end: number }[] | undefined {
    if (this.marked === undefined) return undefined;
    const marked = this.interpret(turns, false, this.marked);
    const spans: { start: number; end: number }[] = [];
    let plain = "";
    for (const piece of marked.split(OPEN)) {
      const close = piece.indexOf(CLOSE);
      if (close >= 0) spans.push({ start: plain.length, end: plain.length + close });
      plain += close < 0 ? piece : piece.slice(0, close) + piece.slice(close + CLOSE.length);
    }
    if (plain !== text)
      refuse("template_error", "the template writes another text inside its generation markers");
    return spans.filter((span) => span.end > span.start);
  }

  private interpret(
    turns: readonly TemplateTurn[],
    addGenerationPrompt: boolean,
    program = this.program,
  ): string {
    try {
      return renderTemplate(
        program,
        {
          ...this.variables,
          tools: null,
          documents: null,
          messages: turns.map(({ role, content }) => ({ role, content })),
          add_generation_prompt: addGenerationPrompt,
        },
        this.now,
      );
    } catch (cause) {
      return refuse("template_error", (cause as Error).message, cause);
    }
  }

  /** The reusable text for these roles, when the template is proved never to look at contents. */
  private skeleton(turns: readonly TemplateTurn[], addGenerationPrompt: boolean): Skeleton | undefined {
    const skeletons = this.skeletons;
    if (skeletons === undefined || this.checked < 0) return undefined;
    const key = `${turns.map((turn) => turn.role).join(" ")}|${addGenerationPrompt}`;
    let skeleton = skeletons.get(key);
    if (skeleton === undefined) {
      const sentinels = turns.map(({ role }, i) => ({ role, content: `\u2005\ue000turn${i}\ue001\u2005` }));
      skeleton = cutSkeleton(this.interpret(sentinels, addGenerationPrompt));
      if (skeletons.size >= SKELETON_LIMIT) skeletons.clear();
      skeletons.set(key, skeleton);
    }
    if (!addGenerationPrompt && !writesEachOnce(skeleton, turns)) return undefined;
    if (this.checked < SELF_CHECKS) {
      this.checked =
        fill(skeleton, turns).text === this.interpret(turns, addGenerationPrompt) ? this.checked + 1 : -1;
      if (this.checked < 0) return undefined;
    }
    return skeleton;
  }

  /** Finds contents by rendering once more with each assistant content replaced by a sentinel: what stands between
   *  sentinels is the template's own text, which the real text must hold as well. */
  private search(turns: readonly TemplateTurn[]): Rendered {
    const text = this.interpret(turns, false);
    let tag = "turn";
    while (turns.some((turn) => turn.content.includes(`\ue000${tag}`))) tag += "_";
    const own = turns.map((turn, i) => (turn.role === "assistant" ? `\ue000${tag}${i}\ue001` : turn.content));
    let rest = this.interpret(
      turns.map(({ role }, i) => ({ role, content: own[i]! })),
      false,
    );
    const indices = turns.flatMap((turn, i) => (turn.role === "assistant" ? [i] : []));
    const pieces: string[] = [];
    for (const i of indices) {
      const at = rest.indexOf(own[i]!);
      if (at < 0) refuse("content_changed", `turn ${i}: the template drops the text of the turn`);
      pieces.push(rest.slice(0, at));
      rest = rest.slice(at + own[i]!.length);
    }
    pieces.push(rest);
    const spans: ContentSpan[] = [];
    let at = 0;
    for (const [n, turn] of indices.entries()) {
      const raw = turns[turn]!.content;
      const changed = () =>
        refuse("content_changed", `turn ${turn}: the template changes the text of the turn`);
      if (!text.startsWith(pieces[n]!, at)) changed();
      at += pieces[n]!.length;
      const after = pieces[n + 1]!;
      const content = [raw, pythonStrip(raw), raw.replace(/^\n+/, "")].find((variant) =>
        text.startsWith(variant + after, at),
      );
      if (content === undefined) return changed();
      spans.push({ turn, start: at, end: at + content.length, after });
      at += content.length;
    }
    if (text.length !== at + pieces.at(-1)!.length)
      refuse("content_changed", `the template writes another text around the turns than without them`);
    return { text, spans };
  }
}

function cutSkeleton(text: string): Skeleton {
  const skeleton: { literal: string; turn: number; trimmed: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(SKELETON_SENTINEL)) {
    skeleton.push({ literal: text.slice(at, match.index), turn: Number(match[2]), trimmed: match[1] === "" });
    at = match.index + match[0].length;
  }
  skeleton.push({ literal: text.slice(at), turn: -1, trimmed: false });
  return skeleton;
}

function writesEachOnce(skeleton: Skeleton, turns: readonly TemplateTurn[]): boolean {
  return turns.every(
    (turn, i) => turn.role !== "assistant" || skeleton.filter((piece) => piece.turn === i).length === 1,
  );
}

function fill(skeleton: Skeleton, turns: readonly TemplateTurn[]): Rendered {
  let text = "";
  const open: { turn: number; start: number; end: number }[] = [];
  for (const { literal, turn, trimmed } of skeleton) {
    text += literal;
    if (turn < 0) continue;
    const content = trimmed ? pythonStrip(turns[turn]!.content) : turns[turn]!.content;
    if (turns[turn]!.role === "assistant")
      open.push({ turn, start: text.length, end: text.length + content.length });
    text += content;
  }
  const spans = open.map((span, n) => ({
    ...span,
    after: text.slice(span.end, open[n + 1]?.start ?? text.length),
  }));
  return { text, spans };
}

/** Replaces the markers by text that survives rendering, keeping the white-space control of the tags. */
function markGeneration(source: string): string {
  return source.replace(
    GENERATION,
    (_, left: string, end: string | undefined, right: string) =>
      `{%${left} if true %}{{ ${show(end === undefined ? OPEN : CLOSE)} }}{% endif ${right}%}`,
  );
}
