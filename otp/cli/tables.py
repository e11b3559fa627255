"""Aligned text: columns as wide as what is in them, two spaces apart, the same each time.

A table that is wider than the terminal is cut: first the last column that allows it, then the one before it; where
that is not enough the same again, down to a few signs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from otp.cli.output import Page
from otp.cli.terminal import Style, cut, cut_start, paint, width
from otp.control.wire.looks import Tone
from otp.text.printable import printable

GAP = "  "

LEAST = 6
"""Columns of the terminal that a column keeps, however narrow that is."""


class Cell(NamedTuple):
    """Text, and its style where there is colour."""

    text: str
    style: Style = Tone.PLAIN


class Column(NamedTuple):
    """One column.

    Attributes:
        title: above it.
        right: aligned to the right.
        least: columns of the terminal that it keeps at first when the table is cut; None: it is never cut.
        keeps_end: it loses its beginning when it is cut, not its end.
    """

    title: str
    right: bool = False
    least: int | None = None
    keeps_end: bool = False


Row = Sequence[str | Cell]

T = TypeVar("T")

Fields = Mapping[Column, Callable[[T, float], str | Cell]]
"""Columns, each with what it shows of something, given the time in seconds since 1970."""


def table_of(fields: Fields[T], things: Sequence[T], now: float, page: Page) -> list[str]:
    """Show each thing as a row below the titles, as wide as the page is."""

    def row(thing: T) -> Row:
        return [cell(thing, now) for cell in fields.values()]

    return table(list(fields), list(map(row, things)), within=page.within, colour=page.colour)


def table(
    columns: Sequence[Column], rows: Sequence[Row], *, within: int | None = None, colour: bool = False
) -> list[str]:
    """The rows below their titles.

    Args:
        columns: what each row has.
        rows: as many cells each as there are columns; control characters in them become spaces.
        within: columns of the terminal; None: as many as it takes.
        colour: with the colours of the cells.
    """
    titles = [Cell(column.title, Tone.QUIET) for column in columns]
    lines = [titles, *([_cell(cell) for cell in row] for row in rows)]
    widths = _widths(columns, lines, within)
    return [_line(columns, line, widths, colour) for line in lines]


def _cell(cell: str | Cell) -> Cell:
    return Cell(printable(cell)) if isinstance(cell, str) else Cell(printable(cell.text), cell.style)


def _widths(columns: Sequence[Column], lines: Sequence[Sequence[Cell]], within: int | None) -> list[int]:
    widths = [max(width(cell.text) for cell in cells) for cells in zip(*lines, strict=True)]
    if within is None:
        return widths
    excess = sum(widths) + len(GAP) * (len(columns) - 1) - within
    cuttable = [(number, column) for number, column in enumerate(columns) if column.least is not None][::-1]
    for number, least in [*((n, column.least) for n, column in cuttable), *((n, LEAST) for n, _ in cuttable)]:
        given = min(max(0, excess), max(0, widths[number] - max(least or 0, width(columns[number].title))))
        widths[number] -= given
        excess -= given
    return widths


def _line(columns: Sequence[Column], cells: Sequence[Cell], widths: Sequence[int], colour: bool) -> str:
    filled = [_filled(*each, colour) for each in zip(columns, cells, widths, strict=True)]
    return GAP.join(filled).rstrip()


def _filled(column: Column, cell: Cell, columns: int, colour: bool) -> str:
    text = (cut_start if column.keeps_end else cut)(cell.text, columns)
    space = " " * (columns - width(text))
    painted = paint(text, cell.style, colour=colour)
    return f"{space}{painted}" if column.right else f"{painted}{space}"
