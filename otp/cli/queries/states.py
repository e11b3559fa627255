"""The state of a child, and of a whole tree, in a word, a time and a few notes."""

from collections.abc import Iterable, Iterator

from otp.cli.output import Page
from otp.cli.tables import Cell
from otp.cli.terminal import Style, cut, paint
from otp.control.wire.looks import Tone, tone
from otp.control.wire.rows import ChildRow, Snapshot
from otp.text.clock import ago
from otp.text.durations import duration
from otp.text.printable import printable


def state(row: ChildRow) -> Cell:
    """The state of a child in capitals; the colour only repeats it."""
    return Cell(row.state.upper(), tone(row))


def since(row: ChildRow) -> str:
    """How long a child is up, when it is tried again, or how long it is down."""
    if row.up_s is not None:
        return duration(row.up_s)
    if row.next_retry_s is not None:
        return f"next {duration(row.next_retry_s)}"
    return f"down {duration(row.down_s)}" if row.down_s is not None else "–"


def budget(row: ChildRow) -> str:
    """The restarts that a supervisor has used of those it may; empty for a worker, and for a supervisor that is down."""
    return f"{row.used}/{row.intensity} in {row.period_s:g} s" if row.period_s else ""


def maintenance(row: ChildRow) -> str:
    """That a child is under maintenance, and for how long; empty otherwise."""
    if not row.paused:
        return ""
    return "maintenance" if row.paused_s is None else f"maintenance, {duration(row.paused_s)} left"


def cause(row: ChildRow, now: float) -> str:
    """The last failure of a child; when that was, if it has recovered."""
    if not row.last_cause or row.up_s is None or row.last_wall is None:
        return row.last_cause
    return f"{row.last_cause} ({ago(row.last_wall, now)})"


def notes(row: ChildRow, now: float) -> str:
    """Budget, streak, incident, maintenance and cause, the longest last, so that a cut takes that."""
    streak = f"streak {row.streak}" if row.streak else ""
    return "  ".join(filter(None, (budget(row), streak, row.incident, maintenance(row), cause(row, now))))


def blocked(snapshot: Snapshot) -> Iterator[tuple[str, Style]]:
    """The lines about an event loop that does not turn, each with its style; none while it does."""
    if snapshot.blocked is not None:
        keeps = snapshot.blocked
        place = f" in {keeps.stack[-1]}" if keeps.stack else ""
        yield f"BLOCKED for {duration(keeps.seconds)} by {keeps.who}{place}", Tone.BAD
    if snapshot.stale_s:
        yield f"this is how it was {duration(snapshot.stale_s)} ago: the event loop does not answer", Tone.WAITING


def head(lines: Iterable[tuple[str, Style]], page: Page) -> Iterator[str]:
    """Lines above a table, each with its style, as they are on the page."""
    for text, style in lines:
        clean = printable(text)
        yield paint(clean if page.within is None else cut(clean, page.within), style, colour=page.colour)


def up_count(snapshot: Snapshot) -> str:
    """`14/15 up`; a child that has ended as it was meant to counts as up."""
    up = sum(child.ready for child in snapshot.children)
    return f"{up}/{len(snapshot.children)} up"


def all_well(snapshot: Snapshot) -> bool:
    """Whether all children are up, or have ended as they were meant to, and the event loop turns."""
    return snapshot.state == "up" and snapshot.blocked is None and all(row.ready for row in snapshot.rows)
