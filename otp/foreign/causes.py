"""Walking an exception: its causes, the exceptions in its groups, its traceback. Nothing else in this repository does.

An exception may have any shape: itself as its cause, groups 3 000 deep, one exception a million times in groups of
groups. So every walk here is a loop, comes to each exception once, to `BOUND` of them at the most, and reads what Python
itself has stored, whatever attributes the class of the exception puts in the way.
"""

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, cast

BOUND = 10_000
"""Exceptions that a walk comes to. Of a group that has more, the first ones stand for all."""

DEEPEST = 100
"""Levels of groups in groups that Python's own recursion over them, `split` for one, is left to walk."""

_RAW = vars(BaseException)
_CAUSE = _RAW["__cause__"]
_CONTEXT = _RAW["__context__"]
_HIDDEN = _RAW["__suppress_context__"]

_traceback_of = cast("Callable[[BaseException], TracebackType | None]", _RAW["__traceback__"].__get__)
_members_of = cast(
    "Callable[[BaseException], tuple[BaseException, ...]]", vars(BaseExceptionGroup)["exceptions"].__get__
)
cause_of = cast("Callable[[BaseException], BaseException | None]", _CAUSE.__get__)
"""What an exception was raised from, if it was."""


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception, its cause, the cause of that, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < BOUND:
        seen.add(id(error))
        yield error
        error = cause_of(error)


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions in a group, and in the groups in it, in their order; of any other exception, itself.

    Of a group in which no end is reached within the bound, it is the group itself.
    """
    if not _is_group(error):
        yield error
        return
    seen = {id(error)}
    levels = [iter(_members_of(error))]
    none = True
    while levels and len(seen) < BOUND:
        member = next(levels[-1], None)
        if member is None:
            levels.pop()
        elif id(member) not in seen:
            seen.add(id(member))
            if _is_group(member):
                levels.append(iter(_members_of(member)))
            else:
                none = False
                yield member
    if none:
        yield error


def tracebacks(error: BaseException) -> Iterator[TracebackType]:
    """The steps of its traceback, outermost first; Python sees to it that they are no circle."""
    step = _traceback_of(error)
    while step is not None:
        yield step
        step = step.tb_next


def tame(error: BaseException) -> BaseException:
    """The exception in a shape that Python and the event loops can walk, before they do.

    `contextlib`, `asyncio.timeout` and anyio go along contexts until one ends, for ever if none does. So where causes or
    contexts are a circle, or are more than the bound, they end from here on. Groups are split by recursion, a shared
    exception as often as it is met: one that would take too long is made one group of its leaves.
    """
    if _is_group(error):
        found = tuple(leaves(error))
        _end_circles((*found, error))
        if not _is_small(error):
            flat = BaseExceptionGroup("groups that are too deep or too wide to be walked; their exceptions", found)
            return flat.with_traceback(_traceback_of(error))
    elif _CAUSE.__get__(error) is not None or _CONTEXT.__get__(error) is not None:
        _end_circles((error,))
    return error


def _is_group(error: BaseException) -> bool:
    return issubclass(type(error), BaseExceptionGroup)


def _is_small(group: BaseException) -> bool:
    """Whether it has few levels and few exceptions, one counted as often as it is met."""
    levels = [iter(_members_of(group))]
    for _ in range(BOUND):
        member = next(levels[-1], None)
        if member is None:
            levels.pop()
        elif _is_group(member):
            levels.append(iter(_members_of(member)))
        if not levels:
            return True
        if len(levels) > DEEPEST:
            return False
    return False


def _end_circles(errors: Iterable[BaseException]) -> None:
    for link in (_CAUSE, _CONTEXT):
        ending: set[int] = set()
        for error in errors:
            _end_circle(error, link, ending)


def _end_circle(error: BaseException, link: Any, ending: set[int]) -> None:
    """Go along one link, until it ends or comes to an exception from which it is known to, else make it end."""
    chain: set[int] = set()
    while id(error) not in ending:
        chain.add(id(error))
        following = link.__get__(error)
        if following is None:
            break
        if id(following) in chain or len(chain) >= BOUND:
            hidden = _HIDDEN.__get__(error)  # setting the cause hides the context
            link.__set__(error, None)
            _HIDDEN.__set__(error, hidden)
            break
        error = following
    ending |= chain
