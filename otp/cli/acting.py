"""What all commands that act on children share: their options, how the answer is printed, and the exit code."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any, TypedDict

import click
from msgspec.structs import asdict

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.exit_codes import CODES, Ended, ExitCode
from otp.cli.output import Output, Page, Shown
from otp.control.wire.commands import OnChildren
from otp.control.wire.protocol import Acted
from otp.control.wire.rows import Change
from otp.text.durations import duration
from otp.text.printable import printable

LISTED = 8
"""Paths that are listed behind a child that they are touched with; -o wide lists all."""


class Named(TypedDict):
    """The fields that each of these commands has."""

    path: str
    all: bool
    dry_run: bool
    reason: str


def acting(
    verb: str, done: str, *, undone: str = "", sum_of: str = ""
) -> Callable[[Callable[..., OnChildren]], Callable[..., None]]:
    """Make a command of a function that returns the request.

    Args:
        verb: what the command does to a child, as in "would restart PATH".
        done: its participle, as in "restarted PATH".
        undone: of a child that it failed for; empty: "was not" and `done`.
        sum_of: behind "3 of 4", where it acts on several; empty: `done`.
    """

    def decorate(wanted: Callable[..., OnChildren]) -> Callable[..., None]:
        @path_argument
        @click.option("--reason", default="", metavar="TEXT", help="Why, for the audit.")
        @click.option("--all", "all_", is_flag=True, help="More than one child is meant.")
        @click.option("--dry-run", is_flag=True, help="Only say what would be touched.")
        @on_a_running_tree
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
    """Show a line for each child that was acted on."""
    rows = [{"op": acted.op, "dry_run": acted.dry_run, **asdict(change)} for change in acted.changes]
    names = [change.path for change in acted.changes if not change.error]
    return Shown(acted, names, lambda page: _text(acted, verb, done, sum_of, page), rows)


def _text(acted: Acted, verb: str, done: str, sum_of: str, page: Page) -> Iterable[str]:
    listed = sys.maxsize if page.wide else LISTED
    return map(printable, _planned(acted, verb, listed) if acted.dry_run else _done(acted, done, sum_of, listed))


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
    """The other children that are touched with it; the first of them, where there are many."""
    others = [path for path in change.radius if path != change.path]
    more = f" and {len(others) - listed} more" if len(others) > listed else ""
    if others:
        yield f"  and with it: {', '.join(others[:listed])}{more}"


def _untouched(acted: Acted) -> str:
    return f"(others untouched: {acted.untouched})  op {acted.op[:8]}"


def _end(acted: Acted, undone: str) -> None:
    """End the command if something failed, with the exit code for that; 1 for failures of several kinds."""
    failed = [change for change in acted.changes if change.error]
    if not failed:
        return
    kinds = {CODES.get(change.error, ExitCode.ERROR) for change in failed}
    text = "\n".join(printable(f"{change.path} {undone}: {change.message}") for change in failed)
    raise Ended(text, kinds.pop() if len(kinds) == 1 else ExitCode.ERROR)
