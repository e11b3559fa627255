"""Which children are shown, in what order, and when that order is made anew."""

from otp.control.client.link import Arrived, Lost
from otp.control.client.mirror import Mirror
from otp.tui.order import SETTLED, Arrangement, Order
from tests.tui.trees import delta, down, event, massive, row

WS = "massive/workers/ws_worker"


def arrangement_of(tree, at=100.0):
    mirror = Mirror()
    mirror.take(Arrived(tree, at))
    return Arrangement(mirror), mirror


def change(tree, *rows, **given):
    return delta(tree.root, *rows, seq=11, events=(event(11, "massive", "x"),), **given)


def test_a_tree_follows_each_change_at_once():
    arrangement, mirror = arrangement_of(massive())
    mirror.take(Arrived(change(massive(), row("massive/new")), 100.1))
    assert "massive/new" in arrangement.paths(100.1)


def test_another_order_stays_for_a_while_but_without_children_that_are_gone():
    arrangement, mirror = arrangement_of(massive())
    arrangement.order = Order.RESTARTS
    first = arrangement.paths(100.0)
    assert first[0] == WS
    crashed = row("massive/publisher", crashes=99)
    mirror.take(Arrived(change(massive(), crashed, removed=("massive/orchestrator",)), 100.1))
    assert arrangement.paths(100.2) == tuple(path for path in first if path != "massive/orchestrator")
    assert arrangement.paths(100.0 + SETTLED)[0] == "massive/publisher"


def test_a_new_order_and_a_new_filter_count_at_once():
    arrangement, _ = arrangement_of(massive())
    arrangement.order = Order.PROBLEMS
    assert arrangement.paths(100.0)[0] == WS
    arrangement.sought = "spot"
    assert arrangement.paths(100.1) == ("massive/workers/spot_worker",)
    arrangement.order = Order.TREE
    assert arrangement.paths(100.2) == ("massive", "massive/workers", "massive/workers/spot_worker")


def test_the_order_of_a_process_that_is_gone_is_that_of_when_it_was_lost():
    arrangement, mirror = arrangement_of(massive())
    mirror.take(Arrived(change(massive(), down(WS, down_s=1.0), down("massive/publisher", down_s=2.0)), 101.0))
    mirror.take(Lost("gone", 102.0))
    arrangement.order = Order.DOWN
    assert arrangement.paths(500.0)[:2] == ("massive/publisher", WS)
