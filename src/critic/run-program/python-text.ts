// What can be told about a Python program by its text, as far as its judge has to know it beforehand.

/** Names of Python's builtins that a solution may well be called by, e.g. `sum` in MBPP. */
const BUILTINS = new Set(
  (
    "abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir " +
    "divmod enumerate eval exec filter float format frozenset getattr globals hasattr hash help hex id input int isinstance " +
    "issubclass iter len list locals map max memoryview min next object oct open ord pow print property range repr reversed " +
    "round set setattr slice sorted staticmethod str sum super tuple type vars zip"
  ).split(" "),
);

/** Names of builtins that `source` gives a meaning of its own at its top level. */
export function shadowsIn(source: string): string[] {
  const names = [...source.matchAll(/^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*=(?!=)/gm)];
  return names.map((match) => match[1] ?? match[2]!).filter((name) => BUILTINS.has(name));
}

/** Builtins that the first assertion calls first and the candidate defines: the tests mean the candidate's. */
export function namesOfBuiltins(tests: string, candidate: string): string[] {
  const first =
    /^\s*assert\s+(?:not\s+)?(\w+)\s*\(/m.exec(tests)?.[1] ?? /\bcheck\(\s*(\w+)\s*\)/.exec(tests)?.[1];
  return first !== undefined && shadowsIn(candidate).includes(first) ? [first] : [];
}

/** True when the tests use a class that the candidate defines by its name: only then may its objects take part. */
export function namesClass(candidate: string, tests: string): boolean {
  const classes = [...candidate.matchAll(/^(?:class\s+(\w+)|(\w+)\s*=\s*namedtuple\()/gm)];
  return classes.some((match) => new RegExp(`\\b${match[1] ?? match[2]}\\b`).test(tests));
}

/** What a program names that it could reach the process of its tests by. */
export function reachesOut(source: string): string | undefined {
  return /\b(_getframe|os\s*\.\s*_exit|_exit|ctypes|gc|inspect|settrace|setprofile|atexit|builtins|__builtins__|importlib|__import__|excepthook|signal|multiprocessing|subprocess|threading|f_locals|f_back|tb_frame|mock|monkeypatch|__eq__|__bool__|globals|exec|eval)\b/.exec(
    source,
  )?.[1];
}
