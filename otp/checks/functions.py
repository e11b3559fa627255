"""Checks of the functions that a program hands over: one that can never work is refused before anything starts.

Checked is what is known without a call: that it is a function, of the right kind, that takes so many arguments. A case
of doubt (a builtin without a signature, an object with odd attributes) is accepted; the guard around
its calls (`otp.foreign.guard`) says the rest.
"""

import inspect
from collections.abc import Callable
from functools import partial
from types import FunctionType, MethodType
from typing import Any, cast

from otp.errors import SpecError
from otp.foreign.guard import name_of
from otp.text.printable import printable
from otp.text.quoting import quoted

LONGEST = 120
"""Characters of a value that an error shows."""


def check_plain(what: str, function: object, *arguments: str, instead: str) -> None:
    """Raise `SpecError` unless `function` is an ordinary function that takes these arguments.

    Args:
        what: names the place, for the message.
        function: what was given.
        arguments: what it will be called with, by names for the message.
        instead: what to write.
    """
    expected = f"expected a plain function {_listed(arguments)}"
    if not callable(function):
        raise SpecError(f"{what}: {expected}, got {quoted(function)}; {instead}")
    if kind := _kind(function):
        raise SpecError(
            f"{what}: {expected}, which is called and not awaited, got the {kind} {name_of(function)}; {instead}"
        )
    _check_arguments(what, function, arguments, expected, instead)


def check_async(what: str, function: object, *arguments: str, instead: str) -> None:
    """Raise `SpecError` unless `function` is an async function that takes these arguments, or can give an awaitable."""
    expected = f"expected an async function {_listed(arguments)}"
    if not callable(function):
        raise SpecError(f"{what}: {expected}, got {quoted(function)}; {instead}")
    kind = _kind(function)
    if kind not in ("", "async function") or (not kind and _is_plain(function)):
        raise SpecError(f"{what}: {expected}, got the {kind or 'plain function'} {name_of(function)}; {instead}")
    _check_arguments(what, function, arguments, expected, instead)


def _listed(arguments: tuple[str, ...]) -> str:
    if not arguments:
        return "without arguments"
    return f"of {len(arguments)} argument{'s'[: len(arguments) != 1]} ({', '.join(arguments)})"


# ------------------------------------------------------------------------------------------------ kinds

_KINDS: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (inspect.iscoroutinefunction, "async function"),
    (inspect.isasyncgenfunction, "async generator function"),
    (inspect.isgeneratorfunction, "generator function"),
)


def _kind(function: object) -> str:
    """The kind of a function whose call alone runs nothing; empty for a plain function, or in doubt."""
    inner = _innermost(function)
    for one in (inner, _how_it_is_called(inner)):
        for is_kind, name in _KINDS:
            if is_kind(one):
                return name
    return ""


def _how_it_is_called(function: object) -> object:
    """The `__call__` of an object's type, which may be async."""
    return next((vars(kind)["__call__"] for kind in type(function).__mro__ if "__call__" in vars(kind)), None)


def _innermost(function: object) -> object:
    while type(function) is partial:
        function = cast("partial[object]", function).func
    return function


def _is_plain(function: object) -> bool:
    """Whether the function surely returns no awaitable.

    `lambda: client.ping()` may return one; so may a wrapper around an async function, and one that is annotated so.
    """
    inner = _innermost(function)
    if type(inner) is MethodType:
        inner = inner.__func__
    if type(inner) is not FunctionType or inner.__name__ == "<lambda>":
        return False
    if _kind(inspect.unwrap(inner)):
        return False
    returns = str(inner.__annotations__.get("return", ""))
    return not any(word in returns for word in ("Awaitable", "Coroutine", "Future", "Task", "Any"))


# ------------------------------------------------------------------------------------------------ arguments


def _check_arguments(
    what: str, function: Callable[..., object], arguments: tuple[str, ...], expected: str, instead: str
) -> None:
    try:
        signature = inspect.signature(function)
    except BaseException:  # noqa: BLE001 # a builtin without one, or an object that raises when it is asked
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        got = f"{name_of(function)}{printable(str(signature))[:LONGEST]}"
        raise SpecError(f"{what}: {expected}, got {got}; {instead}") from None
