"""What the commands that act on children have in common: whom, why, how sure, and how the answer is said."""

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypedDict

import click

from otp.cli.completion import complete_path
from otp.cli.connection import Connection, with_connection
from otp.cli.exit_codes import CODES, Ended, ExitCode
from otp.cli.output import Output, Page, Shown, fields, with_output
from otp.control.wire.commands import InjectFault, Pause, Reset, Restart, Resume, Start, Stop
from otp.control.wire.protocol import Acted
from otp.control.wire.rows import Change
from otp.text.durations import duration
from otp.text.printable import printable

__all__ = ("Named", "acting", "shown")

Command = Restart | Stop | Start | Reset | Pause | Resume | InjectFault


LISTED = 8
"""Paths that are listed behind a child that they are touched with; -o wide lists all."""


class Named(TypedDict):
    """What each of these commands says."""

    path: str
    all: bool
    dry_run: bool
    reason: str


def acting(
    verb: str, done: str, *, undone: str = "", sum_of: str = ""
) -> Callable[[Callable[..., Command]], Callable[..., None]]:
    """Make a command of a function that only says what to ask for.

    Args:
        verb: what is done to a child.
        done: the same when it is.
        undone: the same when it is not; without it, that it was not `done`.
        sum_of: how many it is done to, where they are many; without it, that they are `done`.
    """

    def decorate(wanted: Callable[..., Command]) -> Callable[..., None]:
        @click.argument("path", shell_complete=complete_path)
        @click.option("--reason", default="", metavar="TEXT", help="Why, for the audit.")
        @click.option("--all", "all_", is_flag=True, help="More than one child is meant.")
        @click.option("--dry-run", is_flag=True, help="Only say what would be touched.")
        @with_connection
        @with_output
        @wraps(wanted)
        def call(
            *, path: str, reason: str, all_: bool, dry_run: bool, connection: Connection, output: Output, **more: Any
        ) -> None:
            command = wanted(Named(path=path, all=all_, dry_run=dry_run, reason=reason), **more)
            with connection.open() as client:
                acted = client.ask(command)
            output.show(shown(acted, verb, done, sum_of or done))
            _end(acted, undone or f"was not {done}")

        return call

    return decorate


def shown(acted: Acted, verb: str, done: str, sum_of: str) -> Shown:
    """One line for each child that something was done to."""
    rows = [{"op": acted.op, "dry_run": acted.dry_run, **fields(change)} for change in acted.changes]
    names = [change.path for change in acted.changes if not change.error]
    return Shown(fields(acted), rows, names, lambda page: _text(acted, verb, done, sum_of, page))


def _text(acted: Acted, verb: str, done: str, sum_of: str, page: Page) -> str:
    listed = sys.maxsize if page.wide else LISTED
    lines = _planned(acted, verb, listed) if acted.dry_run else _done(acted, done, sum_of, listed)
    return "\n".join(map(printable, lines))


def _done(acted: Acted, done: str, sum_of: str, listed: int) -> Iterator[str]:
    changes = [change for change in acted.changes if not change.error]
    for change in changes:
        note = f"  {change.message}" if change.message else ""
        behind = f"  {_untouched(acted)}" if len(acted.changes) == 1 else ""
        states = f"{change.before} → {change.after}"
        yield f"{done} {change.path}  {states}  in {duration(change.took_s)}{behind}{note}"
        yield from _with_it(change, listed)
    if len(acted.changes) > 1 and changes:
        yield f"{len(changes)} of {len(acted.changes)} {sum_of}  {_untouched(acted)}"


def _planned(acted: Acted, verb: str, listed: int) -> Iterator[str]:
    for change in acted.changes:
        note = f"  {change.message}" if change.message else ""
        yield f"would {verb} {change.path}  {change.before}{note}"
        yield from _with_it(change, listed)
        yield from (f"  {sentence}" for sentence in change.could_follow)
    yield f"untouched: {acted.untouched}"


def _with_it(change: Change, listed: int) -> Iterator[str]:
    """The others that are touched along with a child; the first ones, where there are many."""
    others = [path for path in change.radius if path != change.path]
    more = f" and {len(others) - listed} more" if len(others) > listed else ""
    if others:
        yield f"  and with it: {', '.join(others[:listed])}{more}"


def _untouched(acted: Acted) -> str:
    return f"(others untouched: {acted.untouched})  op {acted.op[:8]}"


def _end(acted: Acted, undone: str) -> None:
    """Tell of what did not work, and end with the exit code for it: 1 if there is more than one kind."""
    failed = [change for change in acted.changes if change.error]
    if not failed:
        return
    kinds = {_code(change) for change in failed}
    text = "\n".join(printable(f"{change.path} {undone}: {change.message}") for change in failed)
    raise Ended(text, kinds.pop() if len(kinds) == 1 else ExitCode.ERROR)


def _code(change: Change) -> ExitCode:
    return next((code for kind, code in CODES.items() if kind == change.error), ExitCode.ERROR)
