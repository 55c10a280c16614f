# The judge's side: runs the tests. The candidate lives in another process, and only plain values come back from there, so it can
# neither end this process with a good status, nor change what `==` or `isclose` mean here, nor read the nonce.
import collections, contextlib, ctypes, datetime, decimal, fractions, functools, importlib, json, linecache, os, subprocess, sys, traceback


def judge():
    order = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # No other process of this user may look into the memory of this one (PR_SET_DUMPABLE), and no file shows it.
    with contextlib.suppress(Exception):
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
    verdict = os.fdopen(os.dup(1), "w", encoding="utf8")
    os.dup2(2, 1)

    def finish(reason, text=""):
        sys.stdout.flush()
        sys.stderr.flush()
        verdict.write(f"\n{order['nonce']} {json.dumps([reason, text[:2000]])}\n")
        verdict.flush()
        os._exit(0)

    plain = (type(None), bool, str)
    exported, errors = [], {}
    process = None
    if not order["together"]:
        start = [sys.executable, "-I", "-X", "utf8", "-c", order["server"]]
        process = subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=os.getcwd())

    class Unportable(Exception):
        """Something that cannot be judged from another process."""

    class Gone(BaseException):
        """The candidate's process ended."""

    def send(message):
        try:
            process.stdin.write((json.dumps(message) + "\n").encode("ascii"))
            process.stdin.flush()
        except OSError:
            raise Gone()

    def receive():
        line = process.stdout.readline()
        if not line.endswith(b"\n"):
            raise Gone()
        return json.loads(line)

    def encode(value, depth=0):
        kind = type(value)
        if kind in plain:
            return value
        if kind is int:
            return ["i", hex(value)]
        if kind is float:
            return ["f", value.hex()]
        if depth > 200:
            raise Unportable("a value of more than 200 levels")
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
        if kind in (datetime.datetime, datetime.date, datetime.time):
            return [kind.__name__, value.isoformat()]
        if kind is datetime.timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if issubclass(kind, tuple) and hasattr(kind, "_fields"):
            return ["record", kind.__name__, list(kind._fields), down(value)]
        if isinstance(value, Far):
            return ["yours", value._number]
        if kind.__name__ in ("function", "builtin_function_or_method", "method", "partial", "type"):
            exported.append(value)
            return ["mine", len(exported) - 1]
        if hasattr(kind, "__next__"):
            return ["list", [encode(item, depth + 1) for item in value]]
        raise Unportable(f"an argument of type {kind.__name__}")

    def build_record(name, fields, items):
        return collections.namedtuple(name, fields)(*map(decode, items))

    def thing(number, name):
        if not order["objects"]:
            raise Unportable(f"an object of type {name}, where the tests name no class")
        return FarObject(number, name)

    def far_error(number, name, bases):
        parent = next((getattr(__import__("builtins"), base) for base in bases[1:] if is_exception(base)), Exception)
        if name not in errors:
            errors[name] = type(name, (parent,), {})
        return errors[name]

    def is_exception(name):
        found = getattr(__import__("builtins"), name, None)
        return isinstance(found, type) and issubclass(found, Exception)

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
        "view": lambda items: View([decode(item) for item in items]),
        "tuple": lambda items: tuple(decode(item) for item in items),
        "set": lambda items: {decode(item) for item in items},
        "frozenset": lambda items: frozenset(decode(item) for item in items),
        "deque": lambda items: collections.deque(decode(item) for item in items),
        "record": build_record,
        "yours": lambda number: exported[number],
        "function": lambda number, name: FarFunction(number, name),
        "iterator": lambda number: FarIterator(number, "iterator"),
        "class": lambda number, name: FarClass(number, name),
        "raises": far_error,
        "object": thing,
    }

    def decode(said):
        if type(said) in plain:
            return said
        return decoders[said[0]](*said[1:])

    def ask(verb, subject, *rest, args=()):
        send([verb, ["yours", subject._number], *rest])
        while True:
            kind, *said = receive()
            if kind == "call":
                number, given, named = said
                try:
                    send(["value", encode(exported[number](*decode(given), **decode(named)))])
                except Exception as error:
                    send(["raised", f"{type(error).__name__}: {error}"])
                continue
            sys.stdout.write(str(said[-1]))
            if kind == "value":
                value, after = said[0], said[1]
                for argument, then in zip(args, after):
                    if then is not None:
                        update(argument, decode(then))
                return decode(value)
            if kind == "raised":
                raise as_error(*said[:4])
            raise Gone()

    def update(argument, then):
        if type(argument) is not type(then) or (argument == then and type(argument) is not dict):
            return
        if type(argument) in (list, bytearray):
            argument[:] = then
        elif type(argument) in (dict, set):
            argument.clear()
            argument.update(then)

    def as_error(name, bases, text, args):
        if name in errors:
            cls = errors[name]
        else:
            known = next((base for base in bases if is_exception(base)), None)
            cls = getattr(__import__("builtins"), known) if known else RuntimeError
        try:
            return cls(*[decode(one) for one in args])
        except Exception:
            return RuntimeError(f"{name}: {text}")

    class View(list):
        """Keys, values or items of a dictionary; equal to sets as those are."""

        def __eq__(self, other):
            return list(self) == list(other) if isinstance(other, list) else set(self) == other

        __hash__ = None

    class Far:
        __slots__ = ("_number", "_name")

        def __init__(self, number, name):
            object.__setattr__(self, "_number", int(number))
            object.__setattr__(self, "_name", str(name))

        def __call__(self, *args, **named):
            return ask("call", self, encode(args), encode(named), args=args)

        def __hash__(self):
            return hash(self._number)

        def __eq__(self, other):
            return isinstance(other, Far) and other._number == self._number

    class FarFunction(Far):
        __slots__ = ()

        @property
        def __name__(self):
            return self._name

    class FarIterator(Far):
        __slots__ = ()

        def __iter__(self):
            return self

        def __next__(self):
            got = ask("next", self)
            if not got:
                raise StopIteration
            return got[0]

    class FarObject(Far):
        __slots__ = ()

        def __getattr__(self, name):
            return ask("getattr", self, name)

        def __setattr__(self, name, value):
            ask("setattr", self, name, encode(value))

        def __delattr__(self, name):
            ask("delattr", self, name)

        def __eq__(self, other):
            # Only two of the candidate's own are compared over there: nothing over there equals a value of the tests.
            return ask("eq", self, encode(other)) is True if isinstance(other, Far) else False

        def __hash__(self):
            return ask("hash", self)

        def __bool__(self):
            return bool(ask("bool", self))

        def __iter__(self):
            return iter(ask("iter", self))

        def __str__(self):
            return str(ask("str", self))

        def __repr__(self):
            return str(ask("repr", self))

        def __enter__(self):
            return ask("enter", self)

        def __exit__(self, *_):
            ask("exit", self)

    class FarClass(FarObject):
        __slots__ = ()

        @property
        def __name__(self):
            return self._name

        def __instancecheck__(self, value):
            return isinstance(value, Far) and ask("isinstance", self, encode(value)) is True

        def __subclasscheck__(self, value):
            return isinstance(value, Far) and ask("issubclass", self, encode(value)) is True

    def unary(verb):
        return lambda self: ask(verb, self)

    def binary(verb):
        def method(self, other):
            if not isinstance(other, Far):
                result = ask(verb, self, encode(other))
                if not isinstance(result, Far):
                    raise Unportable(f"{verb} of an object and a value")
                return result
            return ask(verb, self, encode(other))

        return method

    for verb in ("len", "abs", "neg", "pos", "invert"):
        setattr(FarObject, f"__{verb}__", unary(verb))
    for verb in "lt le gt ge add sub mul truediv floordiv mod matmul and_ or_ xor".split():
        setattr(FarObject, f"__{verb.rstrip('_')}__", binary(verb))
    FarObject.__getitem__ = lambda self, key: ask("getitem", self, encode(key))
    FarObject.__setitem__ = lambda self, key, value: ask("setitem", self, encode(key), encode(value))
    FarObject.__delitem__ = lambda self, key: ask("delitem", self, encode(key))
    FarObject.__contains__ = lambda self, value: bool(ask("contains", self, encode(value)))

    class OwnModules:
        """Finds modules among the candidate's files: imported over there, with their values and functions here."""

        def find_spec(self, name, path=None, target=None):
            stem = name.replace(".", "/")
            if any(f"{stem}{end}" in order["files"] for end in (".py", "/__init__.py")) or any(
                file.startswith(f"{stem}/") for file in order["files"]
            ):
                return importlib.machinery.ModuleSpec(name, self, is_package=True)

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            space = module.__dict__
            fill(space, ask_module(module.__name__))

    def ask_module(name):
        send(["import", name])
        kind, *said = receive()
        if kind == "raised":
            raise as_error(*said[:4])
        return said[0]

    def names():
        send(order["candidate"])
        kind, *said = receive()
        if kind == "raised":
            finish("error", f"the candidate raised {said[0]}: {said[2]}")
        space = {"__name__": "__tests__"}
        fill(space, said[0])
        return space

    def fill(space, known):
        for name, value in known:
            if name in hidden or name.startswith("__"):
                continue
            if type(value) is list and value[0] in ("module", "from"):
                root = value[1].split(".")[0]
                if root in sys.stdlib_module_names:
                    module = importlib.import_module(value[1])
                    space[name] = module if value[0] == "module" else getattr(module, name)
                continue
            try:
                space[name] = decode(value)
            except Unportable:
                pass

    # What a program may not give another meaning to for its tests.
    hidden = set(dir(__import__("builtins"))) - set(order["shadows"])

    def together():
        """Everything in this process, for tests that look into the candidate; only where the reference needs it, and never for a
        candidate whose text could reach this frame."""
        space = {"__name__": "__main__"}
        exec(compile(order["candidate"], "candidate.py", "exec"), space)
        space["__name__"] = "__tests__"
        return space

    def run():
        space = together() if order["together"] else names()
        sys.meta_path.append(OwnModules())
        # A candidate may be imported by its name as well.
        module = type(sys)("candidate")
        module.__dict__.update({name: value for name, value in space.items() if not name.startswith("__")})
        sys.modules.update({name: module for name in ("candidate", "solution", "main")})
        # So that a traceback shows the assertion that failed.
        linecache.cache["tests.py"] = (len(order["tests"]), None, order["tests"].splitlines(True), "tests.py")
        exec(compile(order["tests"], "tests.py", "exec"), space)
        import unittest

        cases = [v for v in space.values() if isinstance(v, type) and issubclass(v, unittest.TestCase) and v is not unittest.TestCase]
        if cases:
            suite = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(case) for case in cases)
            result = unittest.TextTestRunner(stream=sys.stderr).run(suite)
            if not result.wasSuccessful() or result.testsRun == 0:
                finish("failed", (result.failures + result.errors or [("", "no test ran")])[0][1])
        for name, value in list(space.items()):
            if name.startswith("test_") and type(value) is type(run) and value.__code__.co_argcount == 0:
                value()

    try:
        import unittest

        unittest.main = lambda *args, **named: None
        run()
    except Unportable as error:
        finish("unportable", str(error))
    except Gone:
        finish("no_verdict", "the candidate ended its process")
    except SystemExit as end:
        if end.code not in (None, 0):
            finish("failed", f"the tests ended with status {end.code}")
    except AssertionError:
        finish("failed", traceback.format_exc(limit=-1).removeprefix("Traceback (most recent call last):\n"))
    except MemoryError:
        finish("out_of_memory")
    except BaseException as error:
        finish("error", f"{type(error).__name__}: {error}")
    finish("passed")


judge()
