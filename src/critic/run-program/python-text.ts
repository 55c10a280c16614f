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

/** Builtins that the candidate defines and the tests mean: where they call nothing else of the candidate's. */
export function namesOfBuiltins(tests: string, candidate: string): string[] {
  const own = [...candidate.matchAll(/^(?:async\s+)?(?:def|class)\s+(\w+)|^(\w+)\s*=(?!=)/gm)];
  const names = new Set(own.map((match) => match[1] ?? match[2]!));
  const called = [...tests.matchAll(/\b(\w+)\s*\(/g)]
    .map((match) => match[1]!)
    .filter((name) => names.has(name));
  return called.every((name) => BUILTINS.has(name)) ? called : [];
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
