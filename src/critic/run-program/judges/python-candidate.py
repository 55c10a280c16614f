# The candidate's side: runs the code that is judged and does what the judge's process asks, in plain values.
# Nothing here is trusted: whatever this process says is an answer of the candidate's, never a verdict.
import collections, contextlib, importlib, fractions, decimal, datetime, io, json, os, sys, types


def serve():
    answers, questions = os.fdopen(os.dup(1), "w", encoding="ascii"), os.fdopen(os.dup(0), "r", encoding="ascii")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    held, names = [], {}
    plain = (type(None), bool, str)
    dated = (datetime.datetime, datetime.date, datetime.time)

    def hold(value):
        if id(value) not in names:
            names[id(value)] = len(held)
            held.append(value)
        return names[id(value)]

    def encode(value, depth=0):
        kind = type(value)
        if kind in plain:
            return value
        if kind is int:
            return ["i", hex(value)]
        if kind is float:
            return ["f", value.hex()]
        if depth > 200:
            raise RecursionError("a value of more than 200 levels")
        down = lambda items: [encode(item, depth + 1) for item in items]
        pairs = lambda: [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in value.items()]
        if kind in (list, tuple, set, frozenset, collections.deque):
            return [kind.__name__, down(value)]
        if kind in (dict, collections.OrderedDict, collections.Counter):
            return [kind.__name__, pairs()]
        if kind is collections.defaultdict:
            return ["dict", pairs()]
        if kind in (bytes, bytearray):
            return [kind.__name__, value.hex()]
        if kind is complex:
            return ["complex", value.real.hex(), value.imag.hex()]
        if kind is range:
            return ["range", *map(hex, (value.start, value.stop, value.step))]
        if kind in (fractions.Fraction, decimal.Decimal):
            return [kind.__name__, str(value)]
        if kind in dated:
            return [kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if kind in (type({}.keys()), type({}.values()), type({}.items())):
            return ["view", down(value)]
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return ["record", kind.__name__, list(kind._fields), down(value)]
        if kind is Callback:
            return ["yours", value.number]
        if isinstance(value, type):
            if issubclass(value, BaseException):
                return ["raises", hold(value), value.__name__, [base.__name__ for base in value.__mro__]]
            return ["class", hold(value), value.__name__]
        if hasattr(kind, "__next__"):
            return ["iterator", hold(value)]
        if callable(value) and not hasattr(kind, "__dict__") or kind.__name__ in ("function", "method", "partial"):
            return ["function", hold(value), getattr(value, "__name__", "function")]
        return ["object", hold(value), kind.__name__]

    class Callback:
        def __init__(self, number):
            self.number = number

        def __call__(self, *args, **named):
            tell(["call", self.number, encode(args), encode(named)])
            return hear()

    def decode(said):
        if type(said) in plain:
            return said
        kind, *rest = said
        return decoders[kind](*rest)

    decoders = {
        "i": lambda text: int(text, 16),
        "f": float.fromhex,
        "complex": lambda a, b: complex(float.fromhex(a), float.fromhex(b)),
        "bytes": bytes.fromhex,
        "bytearray": bytearray.fromhex,
        "range": lambda *parts: range(*(int(part, 16) for part in parts)),
        "Fraction": fractions.Fraction,
        "Decimal": decimal.Decimal,
        "datetime": datetime.datetime.fromisoformat,
        "date": datetime.date.fromisoformat,
        "time": datetime.time.fromisoformat,
        "timedelta": datetime.timedelta,
        "dict": lambda pairs: {decode(k): decode(v) for k, v in pairs},
        "OrderedDict": lambda pairs: collections.OrderedDict((decode(k), decode(v)) for k, v in pairs),
        "Counter": lambda pairs: collections.Counter({decode(k): decode(v) for k, v in pairs}),
        "list": lambda items: [decode(item) for item in items],
        "view": lambda items: [decode(item) for item in items],
        "tuple": lambda items: tuple(decode(item) for item in items),
        "set": lambda items: {decode(item) for item in items},
        "frozenset": lambda items: frozenset(decode(item) for item in items),
        "deque": lambda items: collections.deque(decode(item) for item in items),
        "record": lambda name, fields, items: collections.namedtuple(name, fields)(*map(decode, items)),
        "yours": lambda number: held[number],
        "mine": Callback,
    }

    def tell(message):
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    def failure(error):
        bases = [base.__name__ for base in type(error).__mro__]
        try:
            text = str(error)
        except Exception:
            text = ""
        args = []
        with contextlib.suppress(Exception):
            args = [encode(argument) for argument in error.args]
        return ["raised", type(error).__name__, bases, text[:2000], args]

    def hear():
        """Answers questions until one is an answer to ours."""
        while True:
            line = questions.readline()
            if not line:
                os._exit(0)
            question = json.loads(line)
            if question[0] == "value":
                return decode(question[1])
            if question[0] == "raised":
                raise RuntimeError(question[1])
            printed = io.StringIO()
            try:
                with contextlib.redirect_stdout(printed):
                    result = answer(*question)
            except BaseException as error:
                result = failure(error)
            tell([*result, printed.getvalue()[:100_000]])

    def answer(verb, target, *rest):
        if verb == "import":
            return ["modules", describe(importlib.import_module(target).__dict__)]
        subject = decode(target)
        if verb == "call":
            args, named = decode(rest[0]), decode(rest[1])
            value = encode(subject(*args, **named))
            # What a test hands over it may look at afterwards: sorting in place is an answer, too.
            after = [encode(arg) if type(arg) in (list, dict, set, bytearray) else None for arg in args]
            return ["value", value, after]
        if verb == "next":
            try:
                return ["value", ["list", [encode(next(subject))]], []]
            except StopIteration:
                return ["value", ["list", []], []]
        operands = [decode(one) for one in rest]
        return ["value", encode(verbs[verb](subject, *operands)), []]

    import operator

    def iterate(value):
        return iter(value)

    verbs = {
        "getattr": getattr,
        "setattr": setattr,
        "delattr": delattr,
        "isinstance": lambda cls, value: isinstance(value, cls),
        "issubclass": lambda cls, other: issubclass(other, cls),
        "iter": iterate,
        "str": str,
        "repr": repr,
        "len": len,
        "bool": bool,
        "hash": hash,
        "abs": abs,
        "enter": lambda value: type(value).__enter__(value),
        "exit": lambda value: type(value).__exit__(value, None, None, None),
        **{
            name: getattr(operator, name)
            for name in "eq lt le gt ge add sub mul truediv floordiv mod matmul and_ or_ xor neg pos invert "
            "getitem setitem delitem contains".split()
        },
    }

    def describe(space):
        known = []
        for name, value in list(space.items()):
            if name.startswith("__"):
                continue
            if isinstance(value, types.ModuleType):
                known.append([name, ["module", value.__name__]])
                continue
            home = getattr(value, "__module__", None)
            if home in sys.stdlib_module_names and getattr(sys.modules.get(home), name, None) is value:
                known.append([name, ["from", home]])
                continue
            try:
                known.append([name, encode(value)])
            except Exception:
                known.append([name, ["object", hold(value), type(value).__name__]])
        return known

    # Any module by its name finds the candidate's own names, as under an interpreter's __main__.
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    space = module.__dict__
    sys.path[:0] = [os.getcwd()]
    source = json.loads(questions.readline())
    try:
        exec(compile(source, "candidate.py", "exec"), space)
        tell(["ready", describe(space)])
    except BaseException as error:
        tell(failure(error))
        os._exit(0)
    hear()


serve()
