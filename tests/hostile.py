"""Messages of the control protocol in which each text is hostile to a terminal, made from their types alone.

A field that is added to a message is in them at once, so that a test over them walks the kind.
"""

import enum
import typing

from msgspec import Struct
from msgspec.structs import fields

HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202egnp\u2066\u200b\u2028\ufeff\U000e0001\r\ninjected"
"""Escape, control, bidi and invisible characters, and a line of its own."""


def hostile(kind, *, path="massive"):
    """An instance of a message or a row: each text hostile, each list with one thing in it, all that may be absent there.

    Args:
        kind: its type.
        path: the beginning of each path, so that rows are of one tree.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    return kind(**{field.name: _value(hints[field.name], field.name, path) for field in fields(kind)})


def _value(kind, name, path):
    arguments = typing.get_args(kind)
    match typing.get_origin(kind):
        case None:
            return _plain(kind, name, path)
        case typing.Literal:
            return arguments[0]
        case origin if origin is tuple:
            return (_value(arguments[0], name, path),)
        case _:  # Annotated, or one that may be None
            return _value(next(one for one in arguments if one is not type(None)), name, path)


def _plain(kind, name, path):
    if issubclass(kind, Struct):
        return hostile(kind, path=path if name in ("root", "supervisor") else f"{path}/{HOSTILE}")
    if issubclass(kind, enum.Enum):
        return next(iter(kind))
    return {str: path if name == "path" else HOSTILE, bool: True, int: 3, float: 3.5}[kind]


def dangerous(text):
    """What of a text a terminal would not simply show: all of it has to be nothing."""
    wrong = {sign for sign in text if not sign.isprintable() and sign != "\n"}
    return wrong | {line for line in text.splitlines() if line.startswith("injected")}
