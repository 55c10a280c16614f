// TypeScript and JavaScript read by the compiler's own parser: faults, and the names that a program gives.

import { Script } from "node:vm";
import ts from "typescript-api";

/** What a script is: the first fault, `line 3: what`, and the names that it defines at its top or exports. */
export interface ScriptFacts {
  readonly fault: string | undefined;
  readonly names: ReadonlySet<string>;
}

/** Reads `source`; types in JavaScript are a fault. */
export function readScript(source: string, language: "javascript" | "typescript"): ScriptFacts {
  // Without JSX first: an old cast `<T>x` is no element. With it where the text needs it.
  const plain = parse(source, language === "typescript" ? ts.ScriptKind.TS : ts.ScriptKind.JS);
  if (plain.fault === undefined || !/<\w[^>]*>|<>/.test(source)) return plain;
  const withJsx = parse(source, language === "typescript" ? ts.ScriptKind.TSX : ts.ScriptKind.JSX);
  return withJsx.fault === undefined ? withJsx : plain;
}

const EXTENSIONS: Readonly<Partial<Record<ts.ScriptKind, string>>> = {
  [ts.ScriptKind.TS]: "ts",
  [ts.ScriptKind.TSX]: "tsx",
  [ts.ScriptKind.JS]: "js",
  [ts.ScriptKind.JSX]: "jsx",
};

function parse(source: string, kind: ts.ScriptKind): ScriptFacts {
  const name = `program.${EXTENSIONS[kind]}`;
  const file = ts.createSourceFile(name, source, ts.ScriptTarget.ESNext, true, kind);
  // A program of this one file, without libraries, also tells what is only found after parsing: `await` where there is none,
  // two names in one scope, `return` outside a function, types in JavaScript.
  const host: ts.CompilerHost = {
    getSourceFile: (path) => (path === name ? file : undefined),
    getDefaultLibFileName: () => "lib.d.ts",
    writeFile: () => {},
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (path) => path === name,
    readFile: () => undefined,
  };
  const program = ts.createProgram({
    rootNames: [name],
    options: {
      allowJs: true,
      noLib: true,
      noResolve: true,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.Preserve,
      types: [],
      checkJs: true,
      alwaysStrict: false,
    },
    host,
  });
  const faults = [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file).filter(({ code }) => isEarlyError(code)),
  ].toSorted((a, b) => (a.start ?? 0) - (b.start ?? 0));
  const first = faults[0];
  const line = first && file.getLineAndCharacterOfPosition(first.start ?? 0).line + 1;
  const fault = first && `line ${line}: ${ts.flattenDiagnosticMessageText(first.messageText, " ")}`;
  return { fault: fault ?? engineFault(source, name), names: namesIn(file) };
}

/** What the engine's own parser says of the script without its types: regular expressions, private names, targets of assignments.
 *  Nothing runs. */
function engineFault(source: string, fileName: string): string | undefined {
  const { outputText } = ts.transpileModule(source, {
    fileName,
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.CommonJS,
      jsx: ts.JsxEmit.React,
      alwaysStrict: false,
    },
  });
  try {
    new Script(
      `(async function () {${outputText.replace(/^#!.*/, "").replaceAll("import.meta", "({})")}\n})`,
    );
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Errors of the checker that every runtime has as early errors, too (ECMA-262, "Static Semantics: Early Errors"). */
const EARLY = new Set([
  1101, // 'with' in strict mode
  1102, // delete of a name in strict mode
  1104,
  1105, // continue, break outside a loop
  1107,
  1115,
  1116, // jump targets
  1108, // return outside a function
  1113, // two defaults in a switch
  1114, // duplicate label
  1308, // await outside async
  1163, // yield outside a generator
  1210, // strict mode names
  2300,
  2451, // two of a name in one scope
  2364,
  2357, // assignment to what cannot be assigned to
  2406,
  2487,
  2491, // the same in for
  2480, // let as a name
  2528, // two default exports
  2337,
  2335, // super where there is none
  18016,
  1262,
]);

function isEarlyError(code: number): boolean {
  return EARLY.has(code);
}

/** Functions, classes and variables at the top, and what is exported under which name. */
function namesIn(file: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) names.add(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) bind(element.name);
  };
  for (const statement of file.statements) {
    if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isEnumDeclaration(statement)
    ) {
      if (statement.name) names.add(statement.name.text);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) bind(name);
    } else if (
      ts.isExportDeclaration(statement) &&
      statement.exportClause &&
      ts.isNamedExports(statement.exportClause)
    ) {
      for (const { name } of statement.exportClause.elements) names.add(name.text);
    } else if (ts.isExpressionStatement(statement))
      for (const name of assigned(statement.expression)) names.add(name);
  }
  return names;
}

/** `exports.a = `, `module.exports.a = ` and `module.exports = { a, b: c }`. */
function assigned(expression: ts.Expression): string[] {
  if (!ts.isBinaryExpression(expression) || expression.operatorToken.kind !== ts.SyntaxKind.EqualsToken)
    return [];
  const target = expression.left.getText();
  const member = /^(?:module\.)?exports\.(\w+)$|^globalThis\.(\w+)$/.exec(target);
  if (member !== null) return [(member[1] ?? member[2])!];
  if (target !== "module.exports" || !ts.isObjectLiteralExpression(expression.right)) return [];
  return expression.right.properties.flatMap(({ name }) =>
    name && ts.isIdentifier(name) ? [name.text] : [],
  );
}
