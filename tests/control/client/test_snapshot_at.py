"""A watched tree as a snapshot by now: it is shown like one that has been asked for."""

import pytest

from otp.control.client.mirror import Mirror
from otp.control.wire.rows import Blocked, Delta, NeedRow
from tests.cli import rows
from tests.cli.rows import NOW, child, down, group, snapshot

CHILDREN = (child("massive/a"), group("massive/sub"), child("massive/sub/x", up_s=5.0), child("massive/z"))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def delta(changed=(), removed=(), **fields):
    row = {
        "seq": 813,
        "wall": NOW,
        "state": "up",
        "blocked": None,
        "root": group("massive", up_s=1.0),
        "changed": tuple(changed),
        "removed": tuple(removed),
        "needs": (),
        "open_incidents": 0,
        "events": (),
    }
    return Delta(**row | fields)


class Live:
    """A mirror that is read at the time of a clock."""

    def __init__(self, first, clock):
        self.mirror, self.clock = Mirror(), clock
        self.apply(first)

    def apply(self, message):
        self.mirror.apply(message, self.clock())

    def now(self):
        return self.mirror.snapshot_at(self.clock())


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def live(clock):
    return Live(snapshot(CHILDREN), clock)


def paths(live):
    return [row.path for row in live.now().children]


def test_a_changed_row_takes_the_place_of_the_old_one(live):
    live.apply(delta([down("massive/sub/x", "backoff")]))
    assert paths(live) == ["massive/a", "massive/sub", "massive/sub/x", "massive/z"]
    assert live.now().children[2].state == "backoff"
    assert live.now().state == "up"
    assert live.now().open_incidents == 0


def test_a_row_of_which_nothing_is_said_grows_older(live, clock):
    clock.now += 10
    live.apply(delta([child("massive/a", up_s=0.5)]))
    clock.now += 2
    up = {row.path: row.up_s for row in live.now().children}
    assert up["massive/a"] == 2.5
    assert up["massive/sub/x"] == 17.0
    assert live.now().root.up_s == 3.0
    assert live.now().up_s == 526_452.0
    assert live.now().wall == NOW + 12


def test_what_blocks_the_loop_blocks_it_longer_and_longer(live, clock):
    live.apply(
        delta(
            [child("massive/a")], blocked=Blocked(path="massive/a", seconds=1.0, stack=()), needs=(rows.WHY.needs[0],)
        )
    )
    clock.now += 4
    assert live.now().blocked.seconds == 5.0
    assert live.now().needs[0].down_s == 7.0


def test_what_is_needed_and_there_has_no_time_that_runs(live, clock):
    need = NeedRow(path="massive", name="redis", down_s=None, outages=1, downtime_s=3.0, last="")
    live.apply(delta([child("massive/a")], needs=(need,)))
    clock.now += 4
    assert live.now().needs == (need,)


def test_the_lag_of_a_minute_ago_is_not_shown(live, clock):
    assert live.now().lag_s == 0.003
    clock.now += 61
    assert live.now().lag_s is None


def test_a_snapshot_that_was_stale_is_so_until_something_is_heard_of_the_loop(clock):
    live = Live(snapshot(CHILDREN, stale_s=4.0), clock)
    assert live.now().stale_s == 4.0
    live.apply(delta([child("massive/a")]))
    assert live.now().stale_s == 0.0


def test_another_snapshot_begins_anew(live, clock):
    clock.now += 30
    live.apply(snapshot((child("massive/only", up_s=1.0),)))
    assert paths(live) == ["massive/only"]
    assert live.now().children[0].up_s == 1.0
