"""What is shown: which children, in what order, and when that is looked at anew."""

from otp.control.client.feed import Arrived, Joined, Lost
from otp.tui.order import Order
from otp.tui.picture import SETTLED, Picture
from tests.tui.test_texts import GREETING
from tests.tui.trees import delta, down, event, massive, row

WS = "massive/workers/ws_worker"


def picture_of(tree, at=100.0):
    picture = Picture()
    picture.take(Arrived(tree, at), "")
    return picture


def change(tree, *rows, **given):
    return delta(tree.root, *rows, seq=11, events=(event(11, "massive", "x"),), **given)


def test_news_about_the_selected_child_are_worth_a_question():
    picture = picture_of(massive())
    assert picture.take(Arrived(change(massive(), down(WS)), 101.0), WS)
    assert not picture.take(Arrived(change(massive(), down(WS)), 101.0), "massive/publisher")
    assert picture.take(Joined(GREETING), WS)
    assert not picture.take(Joined(GREETING), "")
    assert not picture.take(Lost("gone", 102.0), WS)


def test_a_tree_follows_each_change_at_once():
    picture = picture_of(massive())
    picture.take(Arrived(change(massive(), row("massive/new")), 100.1), "")
    assert "massive/new" in picture.paths(100.1)


def test_another_order_stays_for_a_while_but_without_those_that_are_gone():
    picture = picture_of(massive())
    picture.order = Order.RESTARTS
    first = picture.paths(100.0)
    assert first[0] == WS
    crashed = row("massive/publisher", crashes=99)
    picture.take(Arrived(change(massive(), crashed, removed=("massive/orchestrator",)), 100.1), "")
    assert picture.paths(100.2) == tuple(path for path in first if path != "massive/orchestrator")
    assert picture.paths(100.0 + SETTLED)[0] == "massive/publisher"


def test_a_new_order_and_a_new_filter_count_at_once():
    picture = picture_of(massive())
    picture.order = Order.PROBLEMS
    assert picture.paths(100.0)[0] == WS
    picture.sought = "spot"
    assert picture.paths(100.1) == ("massive/workers/spot_worker",)
    picture.order = Order.TREE
    assert picture.paths(100.2) == ("massive", "massive/workers", "massive/workers/spot_worker")


def test_of_a_process_that_is_gone_the_rows_stand_still():
    picture = picture_of(massive())
    picture.take(Lost("gone", 101.0), "")
    assert picture.row(WS, 500.0).next_retry_s == picture.row(WS, 101.0).next_retry_s
    assert picture.row("massive/nobody", 101.0) is None
