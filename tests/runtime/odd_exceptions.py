"""Exceptions of every shape that somebody may raise. As a program: a tree for each, run to its end by `otp.run`.

python odd_exceptions.py asyncio|uvloop|trio        one line for each kind: its name, and the exit code
"""

import sys

import anyio

import otp
from otp import supervisor, worker

DEEP, WIDE, LONG = 3_000, 100_000, 100_000_000


def chained(count, link):
    """That many exceptions in a circle."""
    errors = [ValueError(f"number {number}") for number in range(count)]
    for error, following in zip(errors, [*errors[1:], errors[0]], strict=True):
        setattr(error, link, following)
    return errors[0]


def from_itself():
    error = ValueError("from itself")
    try:
        raise error from error
    except ValueError:
        return error


def both_links():
    one, other = ValueError("one"), KeyError("other")
    one.__cause__, other.__context__ = other, one
    one.__context__, other.__cause__ = other, one
    return one


def handed_on(base):
    error = base("handed on")
    error.__context__ = error
    return error


def group_of_itself():
    inner = ValueError("inner")
    group = ExceptionGroup("outer", [inner])
    inner.__cause__ = inner.__context__ = group
    group.__context__ = inner
    return group


def deep(base=ValueError):
    error = base("the innermost")
    for _ in range(DEEP):
        error = BaseExceptionGroup("level", [error])
    return error


def wide():
    return ExceptionGroup("wide", [ValueError(number) for number in range(WIDE)])


def bomb(base=ValueError, levels=64):
    """Two of the same in each level: few exceptions, and 2**64 ways to them."""
    error = base("the innermost")
    for _ in range(levels):
        error = BaseExceptionGroup("level", [error, error])
    return error


def long_chain():
    error = ValueError("the first")
    for _ in range(100_000):
        following = ValueError("and")
        following.__cause__ = following.__context__ = error
        error = following
    return error


def deep_traceback():
    def step():
        step()

    try:
        step()
    except RecursionError as error:
        return error


def raising(what):
    def raiser(*_):
        raise what

    return raiser


def asks(name, what, base=Exception):
    """An exception that raises `what` when it is asked for this."""
    return type(f"No{name.strip('_').title()}", (base,), {name: raising(what)})("asked")


def tells(name, value, base=Exception):
    """An exception that says this of itself."""
    return type(f"Its{name.strip('_').title()}", (base,), {name: value})("told")


def read(name, what, base=Exception):
    return tells(name, property(raising(what)), base)


class Nasty(str):
    __slots__ = ()

    def nothing(self, *_):
        raise Own("of a str")

    __len__ = __getitem__ = __iter__ = __str__ = __repr__ = __format__ = __eq__ = __contains__ = __add__ = nothing
    isprintable = lower = encode = strip = splitlines = nothing
    __hash__ = str.__hash__


class Own(BaseException):
    """Neither an `Exception` nor one that anybody knows."""


class Meta(type):
    def nothing(cls, *_):
        raise Own("of a class")

    __instancecheck__ = __eq__ = __repr__ = __str__ = __bool__ = nothing
    __name__ = __module__ = __mro__ = property(nothing)
    __hash__ = type.__hash__


class MetaAttributes(type):
    def __getattribute__(cls, name):
        raise Own("of a class")


class OfMeta(Exception, metaclass=Meta):
    pass


class OfMetaAttributes(Exception, metaclass=MetaAttributes):
    pass


class OwnGroup(BaseExceptionGroup):
    exceptions = property(raising(Own("of a group")))
    message = property(raising(Own("of a group")))
    split = subgroup = derive = raising(Own("of a group"))


def nameless():
    kind = type("x" * 100_000, (Exception,), {"__module__": 5})
    return kind("no name")


def unprintable():
    kind = type("Red\x1b[31m\u202e\n", (Exception,), {"__module__": "\x1b[2J"})
    return kind("\x1b[2Jcleared\n\u202e")


ANYWAY = (RuntimeError, Own, KeyboardInterrupt, SystemExit, GeneratorExit, anyio.WouldBlock, RecursionError)
ASKED = ("__str__", "__getattribute__", "__bool__", "__eq__", "__setattr__", "__hash__", "__len__", "__format__")
READ = (
    "__class__",
    "__cause__",
    "__context__",
    "__traceback__",
    "__notes__",
    "__suppress_context__",
    "args",
    "__dict__",
)

KINDS = {
    "raised from itself": from_itself,
    "a circle of 3 causes": lambda: chained(3, "__cause__"),
    "a circle of 20 000 causes": lambda: chained(20_000, "__cause__"),
    "its own context": lambda: chained(1, "__context__"),
    "a circle of 3 contexts": lambda: chained(3, "__context__"),
    "a circle of 20 000 contexts": lambda: chained(20_000, "__context__"),
    "circles of both": both_links,
    "a group that caused what is in it": group_of_itself,
    "an own BaseException in a circle": lambda: handed_on(Own),
    "a cancellation in a circle": lambda: handed_on(anyio.get_cancelled_exc_class() if asyncios() else Own),
    "a group 3 000 deep": deep,
    "a group 3 000 deep that is no Exception": lambda: deep(Own),
    "a group 100 000 wide": wide,
    "a group with 2**64 ways through it": bomb,
    "the same that is no Exception": lambda: bomb(Own),
    "a group of an own class": lambda: OwnGroup("own", [Own("in it")]),
    "100 000 causes": long_chain,
    "a message of 100 MB": lambda: ValueError("x" * LONG),
    "a deep traceback": deep_traceback,
    "a __str__ that gives a number": lambda: tells("__str__", lambda _: 5),
    "a __str__ that gives a nasty str": lambda: tells("__str__", lambda _: Nasty("nasty")),
    "a __str__ that gives 100 MB": lambda: tells("__str__", lambda _: "x" * LONG),
    "a __class__ that lies": lambda: tells("__class__", property(lambda _: KeyboardInterrupt)),
    "false": lambda: tells("__bool__", lambda _: False),
    "false and no Exception": lambda: tells("__bool__", lambda _: False, Own),
    "a metaclass that raises": lambda: OfMeta("of it"),
    "a metaclass whose attributes raise": lambda: OfMetaAttributes("of it"),
    "no name to speak of": nameless,
    "a name with escapes": unprintable,
    "a plain one that is no Exception": lambda: Own("own"),
    "StopIteration": StopIteration,
    "StopAsyncIteration": StopAsyncIteration,
    "GeneratorExit": GeneratorExit,
    **{f"a __str__ that raises {what.__name__}": lambda what=what: asks("__str__", what()) for what in ANYWAY},
    **{f"no Exception, its {name} raises": lambda name=name: asks(name, Own(), Own) for name in ASKED},
    **{f"a {name} that raises": lambda name=name: asks(name, Own()) for name in ASKED},
    **{f"reading its {name} raises": lambda name=name: read(name, Own()) for name in READ},
    **{f"no Exception, reading its {name} raises": lambda name=name: read(name, Own(), Own) for name in READ},
}


def asyncios():
    return anyio.get_cancelled_exc_class().__module__.startswith("asyncio")


async def crash(make):
    raise make()


def main(loop):
    sys.unraisablehook = lambda _: None
    for name, make in KINDS.items():
        tree = supervisor("root", intensity=0, children=[worker("w", crash, make)])
        code = otp.run(tree, backend="trio" if loop == "trio" else "asyncio", uvloop=loop == "uvloop", control=False)
        print(f"{code} {name}", flush=True)  # noqa: T201 # that is what it is for


if __name__ == "__main__":
    main(sys.argv[1])
