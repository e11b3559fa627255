"""The blast radius, told from an outline, and what really happens then."""

import pytest

from otp import Strategy, supervisor
from otp.control.tree.blast_radius import of_restart, of_stop
from otp.control.wire.commands import Restart, Start, Stop
from otp.control.wire.targets import Node
from otp.testing import Journal, Probe
from tests.control.stage import in_one_loop


def outline(strategy):
    return [
        Node("r", "running", "one_for_one"),
        Node("r/x", "running", ""),
        Node("r/s", "running", strategy),
        Node("r/s/a", "running", ""),
        Node("r/s/b", "running", "one_for_one"),
        Node("r/s/b/c", "running", ""),
        Node("r/s/bb", "running", ""),
        Node("r/sb", "running", ""),
    ]


@pytest.mark.parametrize(
    ("strategy", "path", "touched"),
    [
        (Strategy.ONE_FOR_ONE, "r/s/a", ["r/s/a"]),
        (Strategy.ONE_FOR_ONE, "r/s/b", ["r/s/b", "r/s/b/c"]),
        (Strategy.ONE_FOR_ALL, "r/s/bb", ["r/s/a", "r/s/b", "r/s/b/c", "r/s/bb"]),
        (Strategy.REST_FOR_ONE, "r/s/a", ["r/s/a", "r/s/b", "r/s/b/c", "r/s/bb"]),
        (Strategy.REST_FOR_ONE, "r/s/b", ["r/s/b", "r/s/b/c", "r/s/bb"]),
        (Strategy.REST_FOR_ONE, "r/s/bb", ["r/s/bb"]),
        ("dynamic", "r/s/a", ["r/s/a"]),
        ("", "r/s/a", ["r/s/a"]),
        (Strategy.ONE_FOR_ALL, "r/s/b/c", ["r/s/b/c"]),
        (Strategy.ONE_FOR_ALL, "r/s", ["r/s", "r/s/a", "r/s/b", "r/s/b/c", "r/s/bb"]),
        (Strategy.ONE_FOR_ALL, "r/x", ["r/x"]),
    ],
)
def test_a_restart_touches_whom_the_strategy_takes_along_and_all_below_them(strategy, path, touched):
    assert list(of_restart(outline(strategy), path)) == touched


def test_a_stop_touches_the_child_and_all_below_it_and_nobody_whose_name_only_begins_alike():
    assert of_stop(outline(Strategy.ONE_FOR_ALL), "r/s/b") == ("r/s/b", "r/s/b/c")


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("nested", [False, True])
async def test_a_dry_run_says_exactly_whom_the_restart_then_starts(strategy, nested):
    journal: Journal = []
    probes = {name: Probe(name, journal=journal) for name in ("a", "b", "c", "out")}
    middle = supervisor("b", children=[probes["b"].spec()]) if nested else probes["b"].spec()
    group = supervisor("s", strategy=strategy, children=[probes["a"].spec(), middle, probes["c"].spec()])
    async with in_one_loop(supervisor("r", children=[probes["out"].spec(), group])) as stage:
        dry = await stage.ask(Restart(path="s/b", dry_run=True))
        assert dry.dry_run
        assert journal == ["start out", "start a", "start b", "start c"]
        journal.clear()
        real = await stage.ask(Restart(path="s/b"))
        started = {line.removeprefix("start ") for line in journal if line.startswith("start")}
        workers = {path.rpartition("/")[2] for path in dry.changes[0].radius}
        assert started == workers
        assert (dry.changes[0].radius, dry.untouched) == (real.changes[0].radius, real.untouched)
        assert dry.changes[0].before == dry.changes[0].after == "running"


async def test_a_dry_run_of_stop_and_start_touches_what_they_do():
    a = Probe("a")
    async with in_one_loop(supervisor("r", strategy=Strategy.ONE_FOR_ALL, children=[a.spec(), Probe("b").spec()])) as s:
        for command in (Stop, Start):
            dry = await s.ask(command(path="a", dry_run=True))
            assert (dry.changes[0].radius, dry.untouched) == (("r/a",), 1)
        assert (a.starts, a.alive) == (1, 1)
