"""What foreign objects are, in text. Whatever they do when they are asked, there is a text, it is short, and it is one line.

An exception may be one whose `__str__` raises, is no function, or gives 100 MB; the value in the wrong place of a spec
may be anything. What is raised here is swallowed, also a `KeyboardInterrupt`: it comes from the object, not from Ctrl-C.
"""

from reprlib import Repr
from typing import Any

from otp.text.printable import printable

TEXT_LIMIT = 2_048
"""Characters of the text of a foreign object that are kept."""

QUOTED_LIMIT = 500
"""Characters of a wrong value that a message shows."""

NAME_LIMIT = 200
"""Characters of the name of a type that are kept."""


def head(text: str, limit: int) -> str:
    """The first `limit` characters, as a string that is nothing but that: a subclass of `str` may do anything."""
    return str.__getitem__(text, slice(limit))


def text_of(value: object, limit: int = TEXT_LIMIT) -> str:
    """`str(value)` on one line; one that is longer than `limit` characters ends in `…`."""
    return _one_line(raw_text_of(value, limit + 1), limit)


def raw_text_of(value: object, limit: int) -> str:
    """The first `limit` characters of `str(value)`, with its line ends."""
    try:
        return head(str(value), limit)
    except BaseException as broken:  # noqa: BLE001 # of foreign code
        return f"<str() raised {type_name(type(broken))}>"


def quoted(value: object) -> str:
    """`repr(value)` on one line, at most 500 characters of it; of what holds many values, the first ones."""
    try:
        return _one_line(head(_SHORT.repr(value), QUOTED_LIMIT + 1), QUOTED_LIMIT)
    except BaseException as broken:  # noqa: BLE001 # of foreign code
        return f"<{type_name(type(value))} whose repr() raised {type_name(type(broken))}>"


def type_name(kind: type) -> str:
    """The name of a type with its module, unless that is `builtins`, past what its metaclass makes of it."""
    name, module = _stored("__qualname__", kind) or "a type without a name", _stored("__module__", kind)
    return name if module in ("", "builtins") else f"{module}.{name}"


def _stored(what: str, kind: type) -> str:
    try:
        value: Any = vars(type)[what].__get__(kind)
    except AttributeError:  # deleted
        return ""
    return _one_line(head(value, NAME_LIMIT + 1), NAME_LIMIT) if issubclass(type(value), str) else ""


def _one_line(text: str, limit: int) -> str:
    return printable(text if len(text) <= limit else f"{text[: limit - 1]}…")


def _short() -> Repr:
    """As `repr()` for what is small."""
    short = Repr()
    short.maxlevel = 4
    short.maxtuple = short.maxlist = short.maxset = short.maxfrozenset = short.maxdict = short.maxarray = 10
    short.maxstring = short.maxlong = 100
    short.maxother = QUOTED_LIMIT
    return short


_SHORT = _short()
