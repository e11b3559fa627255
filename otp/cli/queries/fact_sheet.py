"""A sheet about one child: its path and state, and below them facts with names at the left.

    massive/workers/ws_worker  BACKOFF
      kind      worker, permanent
      restarts  5 after a crash, 1 by hand, 0 with others; streak 3

A line that does not fit the page is cut, or broken where all of it is needed.
"""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import NamedTuple

from otp.cli.output import Page
from otp.cli.tables import Cell
from otp.cli.terminal import cut, paint
from otp.control.wire.looks import Tone
from otp.text.printable import printable

NARROWEST = 20
"""Columns of a terminal that a line has at least, however narrow that is."""


class Fact(NamedTuple):
    """Lines with a name; a fact without a line that says something is left out.

    Attributes:
        name: at the left.
        lines: behind it.
        whole: too long a line is broken, not cut.
    """

    name: str
    lines: Sequence[str]
    whole: bool = False


def sheet(path: str, state: Cell, facts: Sequence[Fact], page: Page) -> Iterator[str]:
    """Yield the lines of a sheet, none longer than the page is wide."""
    title = paint(printable(path), "title", colour=page.colour)
    yield f"{title}  {paint(printable(state.text), state.style, colour=page.colour)}"
    said = [fact for fact in facts if any(fact.lines)]
    column = max((len(fact.name) for fact in said), default=0)
    room = None if page.within is None else max(NARROWEST, page.within - column - 4)
    for fact in said:
        for number, line in enumerate(_fitting(fact, room)):
            label = "" if number else fact.name
            yield f"  {paint(f'{label:<{column}}', Tone.QUIET, colour=page.colour)}  {line}"


def _fitting(fact: Fact, room: int | None) -> Iterator[str]:
    for line in map(printable, filter(None, fact.lines)):
        if room is None:
            yield line
        elif fact.whole:
            indent = " " * (len(line) - len(line.lstrip()) + 2)
            yield from wrap(line, room, subsequent_indent=indent, drop_whitespace=True)
        else:
            yield cut(line, room)
