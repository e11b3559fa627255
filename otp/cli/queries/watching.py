"""`-w`: show it again whenever something has changed, until Ctrl-C.

On a terminal the screen is redrawn in place, also once a second, so that times run; it is given back as it was. Where
there is no terminal each change is a block of its own, and with jsonl each changed row is a line.
"""

import shutil
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import click

from otp.cli.connection import Connection
from otp.cli.exit_codes import Ended, ExitCode
from otp.cli.output import Output, Shown
from otp.control.client.client import Client
from otp.control.client.mirror import Mirror
from otp.control.wire.rows import ChildRow, Delta, Snapshot

REDRAW = 1.0
"""Seconds after which a terminal is redrawn although nothing has happened."""

FASTEST = 0.1
"""Seconds between two redraws: a crashing tree must not make it flicker."""

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"  # another screen, no cursor, long lines are cut and not wrapped
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"

watch_option = click.option("-w", "--watch", "watching", is_flag=True, help="Show it again whenever it changes.")


def watch(connection: Connection, output: Output, show: Callable[[Snapshot], Shown]) -> None:
    """Show what `show` makes of the tree, again and again.

    Raises:
        Ended: the process has ended.
    """
    with connection.open() as client:
        name = client.greeting.app
        if sys.stdout.isatty() and output.form in ("table", "wide"):
            _redraw(client, output, show)
        else:
            _print(client, output, show)
    raise Ended(f"{name} has ended", ExitCode.UNREACHABLE)


def watched(client: Client, patience: float) -> Iterator[tuple[Mirror, Snapshot | Delta | None]]:
    """The tree and each message about it; None after `patience` seconds without one."""
    messages = client.watch()
    first = next(messages, None)
    if not isinstance(first, Snapshot):
        raise Ended("it does not say how the tree is; look again, or wait longer with --timeout", ExitCode.TIMED_OUT)
    client.patience(patience)
    mirror = Mirror()
    mirror.apply(first, time.monotonic())
    yield mirror, first
    for message in messages:
        if message is not None:
            mirror.apply(message, time.monotonic())
        yield mirror, message


# ------------------------------------------------------------------------------------------------ no terminal


def _print(client: Client, output: Output, show: Callable[[Snapshot], Shown]) -> None:
    before: Sequence[Any] = ()
    for mirror, message in watched(client, patience=3600.0):
        if message is None:
            continue
        shown = show(mirror.snapshot_at(time.monotonic()))
        if isinstance(message, Delta) and output.form == "jsonl":
            output.show(replace(shown, rows=list(_new(shown.entries, before, message))))
        else:
            output.show(shown, apart=bool(before))
        before = shown.entries


def _new(rows: Sequence[Any], before: Sequence[Any], delta: Delta) -> Iterator[Any]:
    """The rows that changed, and a line for each child that is gone.

    Times run in the row of a child, so rows of children are not compared: the delta says which of them changed.
    """
    changed = {row.path for row in delta.changed}
    yield from (row for row in rows if (row.path in changed if isinstance(row, ChildRow) else row not in before))
    shown = {row.path for row in before if isinstance(row, ChildRow)}
    yield from ({"path": path, "removed": True} for path in delta.removed if path in shown)


# ------------------------------------------------------------------------------------------------ a terminal


def _redraw(client: Client, output: Output, show: Callable[[Snapshot], Shown]) -> None:
    with _own_screen():
        drawn = -FASTEST
        for mirror, _ in watched(client, REDRAW):
            too_soon = time.monotonic() - drawn < FASTEST
            if not too_soon:
                drawn = time.monotonic()
                _draw(output.resized().rendered(show(mirror.snapshot_at(time.monotonic()))))
            client.patience(FASTEST if too_soon else REDRAW)  # what came too soon is drawn a moment later


def _draw(text: str) -> None:
    height = shutil.get_terminal_size().lines
    lines = text.splitlines()
    if len(lines) > height:
        lines = [*lines[: height - 1], f"… {len(lines) - height + 1} more lines"]
    drawn = "".join(f"\x1b[{number};1H\x1b[K{line}" for number, line in enumerate(lines, start=1))
    sys.stdout.write(f"{drawn}\x1b[J")
    sys.stdout.flush()


@contextmanager
def _own_screen() -> Generator[None]:
    before = signal.signal(signal.SIGTERM, _leave)
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)  # by way of the finally that gives the screen back
