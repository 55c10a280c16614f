// Static proof that a template only copies message contents into its output (perhaps trimmed) and never looks at them.
// Such a template renders every conversation with the same roles alike, so its text can be reused with other contents.

/** A node of the parser's syntax tree, as far as this file looks. */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** True when the proof succeeds; false means "not proved", and the template is then rendered each time. */
export function onlyCopiesContent(program: unknown): boolean {
  const body = (program as { body: Node[] }).body;
  const analysis = new Analysis();
  // Names are bound as statements are met; a loop may use a name before the statement that binds it.
  for (let known = -1; known !== analysis.size; ) {
    known = analysis.size;
    if (!body.every((statement) => analysis.statement(statement))) return false;
  }
  return true;
}

class Analysis {
  /** Names of lists of messages, and of messages. */
  private readonly messages = new Set(["messages"]);
  /** Names of a message's untouched content. */
  private readonly contents = new Set<string>();
  /** Names of text with content inside. */
  private readonly texts = new Set<string>();

  get size(): number {
    return this.messages.size + this.contents.size + this.texts.size;
  }

  statement(node: Node): boolean {
    switch (node.type) {
      case "Comment":
      case "Break":
      case "Continue":
        return true;
      case "If":
        return this.neutral(node.test as Node) && this.block(node.body) && this.block(node.alternate);
      case "For":
        return this.loop(node);
      case "Set":
        return this.assignment(node);
      case "Macro":
      case "CallStatement":
      case "FilterStatement":
        return false;
      default:
        return this.copies(node);
    }
  }

  private block(nodes: unknown): boolean {
    return (nodes as Node[]).every((node) => this.statement(node));
  }

  private loop(node: Node): boolean {
    const iterable = node.iterable as Node;
    const filtered = iterable.type === "SelectExpression";
    const list = filtered ? (iterable.lhs as Node) : iterable;
    const variable = node.loopvar as Node;
    if (this.isMessages(list)) {
      if (variable.type !== "Identifier") return false;
      this.messages.add(variable.value as string);
    } else if (!this.neutral(list)) return false;
    if (filtered && !this.neutral(iterable.test as Node)) return false;
    return this.block(node.body) && this.block(node.defaultBlock);
  }

  private assignment(node: Node): boolean {
    const value = node.value as Node | null;
    const target = node.assignee as Node;
    if (value === null) return false;
    if (target.type !== "Identifier") return this.neutral(value);
    const name = target.value as string;
    if (this.isMessages(value)) this.messages.add(name);
    else if (this.isContent(value)) this.contents.add(name);
    else if (!this.neutral(value)) {
      if (!this.copies(value)) return false;
      this.texts.add(name);
    }
    return true;
  }

  private isMessages(node: Node): boolean {
    if (node.type === "Identifier") return this.messages.has(node.value as string);
    if (node.type !== "MemberExpression" || node.computed !== true) return false;
    return this.isMessages(node.object as Node) && isPosition(node.property as Node);
  }

  private isContent(node: Node): boolean {
    if (node.type === "Identifier") {
      const name = node.value as string;
      return this.contents.has(name) && !this.texts.has(name) && !this.messages.has(name);
    }
    return (
      node.type === "MemberExpression" && this.isMessages(node.object as Node) && key(node) === "content"
    );
  }

  /** An expression whose value is contents and other text joined, in an order that no content decides. */
  private copies(node: Node): boolean {
    if (this.isContent(node) || this.neutral(node)) return true;
    switch (node.type) {
      case "Identifier":
        return (
          (this.texts.has(node.value as string) || this.contents.has(node.value as string)) &&
          !this.messages.has(node.value as string)
        );
      case "FilterExpression":
        return (
          (node.filter as Node).type === "Identifier" &&
          (node.filter as Node).value === "trim" &&
          this.isContent(node.operand as Node)
        );
      case "BinaryExpression": {
        const operator = (node.operator as { value: string }).value;
        return (
          (operator === "+" || operator === "~") &&
          this.copies(node.left as Node) &&
          this.copies(node.right as Node)
        );
      }
      case "Ternary":
        return (
          this.neutral(node.condition as Node) &&
          this.copies(node.trueExpr as Node) &&
          this.copies(node.falseExpr as Node)
        );
      default:
        return false;
    }
  }

  /** An expression that no content can influence. */
  private neutral(node: Node): boolean {
    switch (node.type) {
      case "Identifier": {
        const name = node.value as string;
        return !this.messages.has(name) && !this.contents.has(name) && !this.texts.has(name);
      }
      case "MemberExpression": {
        const name = key(node);
        if (name === "previtem" || name === "nextitem") return false;
        if (this.isMessages(node.object as Node))
          return name !== undefined && name !== "content" && PLAIN_FIELD.test(name);
        return (
          this.neutral(node.object as Node) && (node.computed !== true || this.neutral(node.property as Node))
        );
      }
      case "FilterExpression":
        if (this.isMessages(node.operand as Node)) return (node.filter as Node).value === "length";
        return this.neutral(node.operand as Node) && this.neutralFilter(node.filter as Node);
      case "TestExpression": {
        const test = (node.test as Node).value;
        // Contents are always strings, so these say nothing about what they hold.
        if (this.isContent(node.operand as Node))
          return test === "string" || test === "defined" || test === "none";
        return this.neutral(node.operand as Node);
      }
      case "CallExpression":
        return (
          this.neutral(node.callee as Node) &&
          (node.args as Node[]).every((argument) => this.neutral(argument))
        );
      case "BinaryExpression":
        return this.neutral(node.left as Node) && this.neutral(node.right as Node);
      case "UnaryExpression":
        return this.neutral(node.argument as Node);
      case "Ternary":
        return [node.condition, node.trueExpr, node.falseExpr].every((part) => this.neutral(part as Node));
      case "KeywordArgumentExpression":
        return this.neutral(node.value as Node);
      case "SliceExpression":
        return [node.start, node.stop, node.step].every(
          (part) => part === undefined || this.neutral(part as Node),
        );
      case "ArrayLiteral":
      case "TupleLiteral":
        return (node.value as Node[]).every((item) => this.neutral(item));
      case "StringLiteral":
      case "IntegerLiteral":
      case "FloatLiteral":
        return true;
      default:
        return false;
    }
  }

  private neutralFilter(filter: Node): boolean {
    return (
      filter.type === "Identifier" || (filter.args as Node[]).every((argument) => this.neutral(argument))
    );
  }
}

/** Fields of a message that templates ask for and that a normalised turn lacks, or its role; never a method. */
const PLAIN_FIELD = /^(role|name|tool_calls|tool_call_id|reasoning_content|thinking|prefix|train|weight)$/;

function key(node: Node): string | undefined {
  const property = node.property as Node;
  if (node.computed !== true) return property.type === "Identifier" ? (property.value as string) : undefined;
  return property.type === "StringLiteral" ? (property.value as string) : undefined;
}

function isPosition(node: Node): boolean {
  if (node.type === "IntegerLiteral" || node.type === "SliceExpression") return true;
  return node.type === "UnaryExpression" && (node.argument as Node).type === "IntegerLiteral";
}
