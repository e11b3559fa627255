"""The columns of the table: what each shows of a child, and which fit a width.

    CHILD          STATE        TIME        CRASH MAN COL STRK   DOWN   USED INCIDENT
    massive        ● running    up 2h14m        ·   ·   ·    ·      ·    1/5
      ws_worker    ◷ backoff    next 7.4s       5   1   ·    3    41s        01K9ZQ3M7F3Q

Where there is no room for the last two, they are one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from otp.control.wire.looks import Tone, sign, tone
from otp.control.wire.rows import ChildRow
from otp.core.paths import below_root, id_of, parent_of
from otp.text.durations import short

NARROWEST_NAME = 18

INCIDENT_TAIL = 6
"""Last characters of an incident's id, enough to know it by, where there is no room for all twelve."""


class Cell(NamedTuple):
    """The content of one column in one line."""

    text: str
    tone: Tone = Tone.PLAIN


NOTHING = Cell("·", Tone.QUIET)
"""Stands where there is nothing, so that what is something is seen."""


class Column(NamedTuple):
    """One column.

    Attributes:
        title: of the head.
        width: characters.
        cell: what it shows of a child.
        rank: the highest goes first when there is no room.
        right: numbers stand at the right.
    """

    title: str
    width: int
    cell: Callable[[ChildRow], Cell]
    rank: int
    right: bool = False


def time_of(row: ChildRow) -> Cell:
    """How long it has been up, or until it is started again, or how long it has been down."""
    if row.up_s is not None:
        return Cell(f"up {short(row.up_s)}")
    if row.next_retry_s is not None:
        return Cell(f"next {short(row.next_retry_s)}", Tone.WAITING)
    if row.down_s is not None:
        return Cell(f"down {short(row.down_s)}", Tone.BAD)
    return NOTHING


def name_of(row: ChildRow, *, as_tree: bool) -> str:
    """Its id, as deep as it stands in the tree; or its path without the root's id."""
    above, id = parent_of(row.path), id_of(row.path)
    if as_tree:
        return "  " * (above.count("/") + 1 if above else 0) + id
    return below_root(row.path) or row.path


def columns_for(width: int) -> Sequence[Column]:
    """Those for which there is room beside the names, in their order."""
    if _taken(_WIDE) + NARROWEST_NAME <= width:
        return _WIDE
    shown = list(_NARROW)
    while shown and _taken(shown) + NARROWEST_NAME > width:
        shown.remove(max(shown, key=lambda column: column.rank))
    return shown


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.width + 1 for column in columns)


def _state(row: ChildRow) -> Cell:
    return Cell(f"{sign(row.state)} {row.state}", tone(row))


def _count(field: str, tone: Tone = Tone.PLAIN) -> Callable[[ChildRow], Cell]:
    """Show a number of the row; zero is nothing."""

    def cell(row: ChildRow) -> Cell:
        number = getattr(row, field)
        return Cell(str(number), tone) if number else NOTHING

    return cell


def _downtime(row: ChildRow) -> Cell:
    return Cell(short(row.downtime_s)) if row.downtime_s else NOTHING


def _budget(row: ChildRow) -> Cell:
    if row.kind == "worker":
        return Cell("")
    spent = row.used and row.used >= row.intensity
    return Cell(f"{row.used}/{row.intensity}", Tone.BAD if spent else Tone.WAITING if row.used else Tone.QUIET)


def _incident(row: ChildRow) -> Cell:
    if row.paused:
        return Cell("paused" if row.paused_s is None else f"paused {short(row.paused_s)}", Tone.WAITING)
    return Cell(row.incident, Tone.BAD)


def _note(row: ChildRow) -> Cell:
    """Maintenance, incident or budget, the first that there is, where there is room for one only."""
    if row.paused:
        return Cell("paused", Tone.WAITING)
    if row.incident:
        return Cell(f"…{row.incident[-INCIDENT_TAIL:]}", Tone.BAD)
    return Cell(f"used {_budget(row).text}", _budget(row).tone) if row.kind == "supervisor" else Cell("")


_COUNTS = (
    Column("STATE", 12, _state, 0),
    Column("TIME", 11, time_of, 1),
    Column("CRASH", 5, _count("crashes", Tone.WAITING), 3, right=True),
    Column("MAN", 3, _count("manual"), 5, right=True),
    Column("COL", 3, _count("collateral"), 6, right=True),
    Column("STRK", 4, _count("streak", Tone.BAD), 4, right=True),
    Column("DOWN", 6, _downtime, 7, right=True),
)
_NARROW = (*_COUNTS, Column("NOTE", 9, _note, 2))
_WIDE = (*_COUNTS, Column("USED", 6, _budget, 0, right=True), Column("INCIDENT", 14, _incident, 0))
