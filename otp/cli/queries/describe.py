"""`otp describe`: one child with all its figures, its settings and its last failures."""

from collections.abc import Iterator
from typing import Any

import click

from otp.cli.connection import Connection, on_a_running_tree, path_argument
from otp.cli.output import Output, Shown
from otp.cli.queries.fact_sheet import Fact, sheet
from otp.cli.queries.states import budget, maintenance, since, state
from otp.control.wire.commands import GetSnapshot, GetWhy
from otp.control.wire.rows import ChildRow, Snapshot, Why
from otp.core.paths import id_of, parent_of
from otp.text.clock import clock
from otp.text.durations import duration


@click.command(epilog="Example:  otp describe massive/workers/ws_worker")
@path_argument
@on_a_running_tree
def describe(*, path: str, connection: Connection, output: Output) -> None:
    """Show one child: figures, settings, last failures.

    Exit code 3 if it is not up.
    """
    with connection.open() as client:
        why, snapshot = client.ask(GetWhy(path=path)), client.ask(GetSnapshot())
    output.show(shown(why, snapshot), up=why.child.ready)


def shown(why: Why, snapshot: Snapshot) -> Shown:
    """The child of `why`, and those right below it."""
    child = why.child
    below = tuple(row for row in snapshot.children if parent_of(row.path) == child.path)
    document: dict[str, Any] = {
        "app": snapshot.app,
        "child": child,
        "children": below,
        "incidents": why.incidents,
        "failures": why.failures,
        "explained": why.explained,
    }
    facts = list(_facts(why, below, snapshot.wall))
    return Shown(document, (child.path,), lambda page: sheet(child.path, state(child), facts, page))


def _facts(why: Why, below: tuple[ChildRow, ...], now: float) -> Iterator[Fact]:
    child = why.child
    yield Fact("kind", [", ".join(filter(None, (child.kind, child.strategy, child.restart)))])
    yield Fact("up" if child.up_s is not None else "now", [since(child)])
    yield Fact("budget", [budget(child)])
    yield Fact("paused", [maintenance(child)])
    yield Fact("restarts", [_restarts(child)])
    yield Fact("downtime", [_downtime(child)])
    yield Fact("last failure", [_last_failure(child, now)], whole=True)
    yield Fact("needs", [f"{need.name}: {_need(need.down_s, need.outages)}" for need in why.needs])
    yield Fact("children", [f"{row.state.upper():<10}  {id_of(row.path)}" for row in below])
    yield Fact(
        "incidents", [f"{row.id}  {row.state}, {row.count} ×  {row.cause.rpartition('.')[2]}" for row in why.incidents]
    )
    yield Fact("failures", [f"{clock(row.wall, now)}  {row.outcome:<11}  {row.text}" for row in why.failures])
    yield Fact("settings", why.explained.text.splitlines() if why.explained is not None else [], whole=True)


def _restarts(child: ChildRow) -> str:
    streak = f"; streak {child.streak}" if child.streak else ""
    return f"{child.crashes} after a crash, {child.manual} by hand, {child.collateral} with others{streak}"


def _downtime(child: ChildRow) -> str:
    share = "" if child.availability is None else f", up {child.availability:.3%} of the time"
    mtbf = "" if child.mtbf_s is None else f", {duration(child.mtbf_s)} between failures"
    return f"{duration(child.downtime_s)}{share}{mtbf}"


def _last_failure(child: ChildRow, now: float) -> str:
    if not child.last_cause:
        return ""
    verdict = f" ({child.verdict})" if child.verdict else ""
    return f"{clock(child.last_wall, now)}  {child.last_cause}{verdict}"


def _need(down_s: float | None, outages: int) -> str:
    return f"down for {duration(down_s)}" if down_s is not None else f"there; {outages} outages"
